import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const bench = dirname(dirname(fileURLToPath(import.meta.url)));
export const project = dirname(bench);
const LIBRARIES = ['core', 'redis', 'nestjs', 'otel'];
/** Inside node_modules, so that the copies find ioredis and Nest where the libraries themselves do. */
const COPIES = join(project, 'node_modules/.cache/strata-bench');

/** The peers, by bench's own lockfile; once. */
export function installPeers() {
  if (existsSync(join(bench, 'node_modules/lru-cache'))) return;
  console.error('bench: installing the peers (npm ci in bench/) ...');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: bench, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('bench: npm ci in bench/ failed');
}

/** Builds the libraries and copies what was built aside, so that nothing changes while it is measured. */
export function buildLibraries(name = 'current') {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-b', '--noCheck', ...LIBRARIES.map((lib) => `libs/${lib}`)], {
    cwd: project,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('bench: the libraries do not build');
  const copy = join(COPIES, name);
  rmSync(copy, { recursive: true, force: true });
  for (const lib of LIBRARIES) {
    const target = join(copy, 'node_modules/@strata-cache', lib);
    mkdirSync(target, { recursive: true });
    cpSync(join(project, 'libs', lib, 'package.json'), join(target, 'package.json'));
    cpSync(join(project, 'libs', lib, 'dist'), join(target, 'dist'), { recursive: true });
  }
  return copy;
}

/** A copy made by an earlier `--keep <name>`. */
export function keptLibraries(name) {
  const copy = join(COPIES, name);
  if (!existsSync(copy)) throw new Error(`bench: no copy named ${name}; make one with --keep ${name}`);
  return copy;
}

export function commitOf() {
  const git = (...args) => execFileSync('git', args, { cwd: project, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'libs') !== '';
  return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
}
