import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './execute.js';

const TYPESCRIPT = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const SOURCES = fileURLToPath(new URL('./app/', import.meta.url));

/** What the sample program of `test/package/app` prints as its last line. */
export interface Report {
  readonly engine: { readonly loads: number; readonly values: readonly string[] };
  readonly http: { readonly miss: unknown; readonly hit: unknown; readonly loads: number };
  readonly entities: unknown;
  readonly events: unknown;
  readonly unstorable: { readonly labels: unknown; readonly loads: number; readonly warnings: readonly string[] };
  readonly greetings: unknown;
  readonly moduleSystem: string;
}

export interface ScratchApp {
  readonly type: 'module' | 'commonjs';
  /** The exact version of every `@nestjs` package. */
  readonly nest: string;
  /** Package name to tarball. */
  readonly tarballs: Readonly<Record<string, string>>;
}

/** Installs the tarballs into an empty application, compiles it against their types and runs it with plain Node. */
export async function runScratchApp({ type, nest, tarballs }: ScratchApp): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), `strata-${type}-`));
  try {
    const files = Object.fromEntries(Object.entries(tarballs).map(([name, tarball]) => [name, `file:${tarball}`]));
    const manifest = {
      name: `scratch-${type}`,
      private: true,
      type,
      dependencies: { ...files, ...dependencies(nest) },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    mkdirSync(join(folder, 'src'));
    cpSync(SOURCES, join(folder, 'src'), { recursive: true });
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error'];
    await execute('npm', ['install', '--prefer-offline', ...quiet], folder);
    await execute(process.execPath, [TYPESCRIPT, '-p', folder], folder);
    const output = await execute(process.execPath, ['--trace-warnings', 'dist/main.js'], folder);
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function dependencies(nest: string): Record<string, string> {
  return {
    '@nestjs/common': nest,
    '@nestjs/core': nest,
    '@nestjs/microservices': nest,
    '@nestjs/platform-express': nest,
    '@opentelemetry/api': '1.9.1',
    '@types/node': '^20.19.0',
    'class-transformer': '0.5.1',
    ioredis: '6.0.0',
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
  };
}

const compilerOptions = {
  module: 'nodenext',
  target: 'es2023',
  outDir: 'dist',
  rootDir: 'src',
  strict: true,
  skipLibCheck: false,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  useDefineForClassFields: false,
  types: ['node'],
};
