import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execute } from './execute.js';
import { runScratchApp, type Report } from './scratch-app.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const bin = join(project, 'node_modules/.bin');

interface Packed {
  readonly name: string;
  readonly tarball: string;
  readonly files: readonly string[];
  readonly manifest: { readonly exports: Record<string, string | Record<string, string>> };
}

interface PackScript {
  readonly packAll: (destination: string) => readonly Packed[];
}

let folder: string;
let packed: readonly Packed[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strata-tarballs-'));
  await execute(join(bin, 'tsc'), ['-b', 'libs/core', 'libs/redis', 'libs/nestjs', 'libs/otel'], project);
  const { packAll } = (await import(join(project, 'scripts/pack.mjs'))) as PackScript;
  packed = packAll(folder);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packages as npm publishes them', () => {
  it('hold compiled code, its sources for the maps, the licence, and nothing of the workshop', () => {
    expect(packed.map((one) => one.name)).toEqual(
      ['core', 'redis', 'nestjs', 'otel'].map((name) => `@strata-cache/${name}`),
    );
    for (const { files } of packed) {
      expect(files).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']));
      expect(files.filter((file) => /tsbuildinfo|\.spec\.|\.test-d\./.test(file))).toEqual([]);
    }
  });

  it('export only files that are in the tarball, under no private condition', () => {
    for (const { manifest, files } of packed) {
      const targets = Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [['default', target]] : Object.entries(target),
      );
      expect(new Set(targets.map(([condition]) => condition))).toEqual(new Set(['types', 'default']));
      for (const [, path] of targets) expect(files).toContain(path.replace('./', ''));
    }
  });

  it('pass publint and attw', async () => {
    const verdicts = await Promise.allSettled(
      packed.flatMap(({ tarball }) => [
        execute(join(bin, 'publint'), ['run', tarball, '--strict'], project),
        execute(join(bin, 'attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'], project),
      ]),
    );
    const complaints = verdicts.flatMap((verdict) => (verdict.status === 'rejected' ? [String(verdict.reason)] : []));
    expect(complaints).toEqual([]);
  }, 120_000);
});

describe.each([
  { type: 'module', nest: '^12.0.0', moduleSystem: 'esm' },
  { type: 'commonjs', nest: '^11.0.0', moduleSystem: 'commonjs' },
] as const)('installed into an application with "type": "$type" and Nest $nest', ({ type, nest, moduleSystem }) => {
  let report: Report;

  beforeAll(async () => {
    const tarballs = Object.fromEntries(packed.map((one) => [one.name, one.tarball]));
    report = await runScratchApp({ type, nest, tarballs });
  }, 240_000);

  it('compiles against the published types and runs as that module system', () => {
    expect(report.moduleSystem).toBe(moduleSystem);
  });

  it('loads once for concurrent reads of the engine alone', () => {
    expect(report.engine).toEqual({ loads: 1, values: ['value 1', 'value 1'] });
  });

  it('runs a decorated method once', () => {
    expect(report.greetings).toEqual(['Hello Ada', 'Hello Ada', 1]);
  });

  it('shows no excluded field of a cached entity, on a miss or on a hit', () => {
    const body = { id: 'http', email: 'ada@example.org', roles: ['reader'], since: '2020-02-29T00:00:00.000Z' };
    expect(report.http).toEqual({ miss: body, hit: body, loads: 1 });
  });

  it('keeps the methods of a cached entity, gives each reader its own, and reloads it after an eviction', () => {
    expect(report.entities).toEqual({
      isInstance: [true, true, true],
      label: '1 <ada@example.org>',
      seen: { email: 'ada@example.org', roles: ['reader'], since: '2020-02-29T00:00:00.000Z' },
      afterEvict: { email: 'countess@example.org', loads: 1 },
    });
  });

  it('clears on an event of `@strata-cache/nestjs/microservices`', () => {
    expect(report.events).toEqual({ answer: 'accepted', loads: 1 });
  });

  it('returns an entity without `hydrate`, does not store it, and warns once with the path and the remedy', () => {
    const { labels, loads, warnings } = report.unstorable;
    const email = 'countess@example.org';
    expect(labels).toEqual([`page-1 <${email}>`, `page-1 <${email}>`, `page-2 <${email}>`]);
    expect(loads).toBe(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('accounts[0]');
    expect(warnings[0]).toMatch(/hydrate/);
  });
});
