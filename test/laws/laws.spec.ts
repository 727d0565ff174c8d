import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../', import.meta.url));

interface Verdict {
  readonly status: number | null;
  readonly output: string;
  readonly failed: string;
}

/** Nothing of a build server (CI, GITHUB_ACTIONS, FORCE_COLOR) that would colour or reshape what the linters print. */
const plain = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };

/** Runs the linter of this project, with its own settings, on one fixture. */
function lint(fixture: string): Verdict {
  const root = `${project}test/fixtures/laws/${fixture}`;
  const run = spawnSync(process.execPath, [`${project}scripts/lint.mjs`, root], { encoding: 'utf8', env: plain });
  const output = run.stdout + run.stderr;
  return { status: run.status, output, failed: /lint failed: (.*)/.exec(output)?.[1] ?? '' };
}

/** Everything the law script said, one line each, without the path in front of the first colon. */
function broken(verdict: Verdict): string[] {
  return [...verdict.output.matchAll(/^(\S+?)(?::\d+)?: ((?:law \d|skipped test): .*)$/gm)].map(
    ([, path, text]) => `${path}: ${text}`,
  );
}

/** How often oxlint reported a rule in a file. */
function reports(verdict: Verdict, rule: string, path: string): number {
  const blocks = verdict.output.split(/^ {2}x /m).slice(1);
  return blocks.filter((block) => block.startsWith(rule) && block.includes(path)).length;
}

describe('the laws of the house, checked by npm run lint', () => {
  it('lets a tree that keeps all of them pass', () => {
    const verdict = lint('clean');
    expect(verdict.output).toContain('laws: 11 files, 0 problems');
    expect(verdict.status).toBe(0);
  });

  it('law 1: a library imports only what its arrow allows, each optional peer from its own entry', () => {
    const verdict = lint('law-1-imports');
    expect(verdict).toMatchObject({ status: 1, failed: 'laws' });
    expect(broken(verdict)).toEqual([
      'libs/core/src/connect.ts: law 1: "ioredis" may not be imported by libs/core',
      'libs/core/src/escape.ts: law 1: "../../redis/src/redis.js" leaves libs/core/src; import the other library by its name',
      'libs/core/src/old-builtin.ts: law 1: "fs" may not be imported by libs/core',
      'libs/nestjs/src/cache.module.ts: law 1: "@strata-cache/redis" may not be imported by libs/nestjs',
      'libs/nestjs/src/cache.module.ts: law 1: "@strata-cache/core/testing" may not be imported by libs/nestjs',
      'libs/nestjs/src/cache.module.ts: law 1: "@nestjs/terminus" may not be imported by libs/nestjs',
      'libs/nestjs/src/cache.module.ts: law 1: "./terminus/indicator.js" pulls the entry terminus/ of libs/nestjs, with its optional peer, into another entry',
      'libs/nestjs/src/terminus/indicator.ts: law 1: "@nestjs/event-emitter" may not be imported from the entry terminus/ of libs/nestjs',
      'libs/otel/src/observer.ts: law 1: "@opentelemetry/sdk-node" may not be imported by libs/otel',
      'libs/redis/src/redis.ts: law 1: "@nestjs/common" may not be imported by libs/redis',
    ]);
  });

  it('law 2: there are no import cycles, not even of types', () => {
    const verdict = lint('law-2-cycles');
    expect(verdict).toMatchObject({ status: 1, failed: 'oxlint' });
    expect(reports(verdict, 'import(no-cycle)', 'libs/core/src/entry.ts')).toBeGreaterThan(0);
  });

  it('law 3: nobody imports the own index.ts, by path or by the name of the package', () => {
    const verdict = lint('law-3-barrels');
    expect(verdict).toMatchObject({ status: 1, failed: 'laws' });
    expect(broken(verdict)).toEqual([
      'libs/core/src/entry.spec.ts: law 3: "@strata-cache/core" is the own index.ts; import the file that holds the name',
      'libs/core/src/entry.ts: law 3: "./index.js" is the own index.ts; import the file that holds the name',
      'libs/core/src/tiers/tier.ts: law 3: "../index.js" is the own index.ts; import the file that holds the name',
    ]);
  });

  it('law 4: 300 code lines a file, two levels deep, folders named after what they hold', () => {
    const verdict = lint('law-4-size');
    expect(verdict).toMatchObject({ status: 1, failed: 'oxlint, laws' });
    expect(reports(verdict, 'eslint(max-lines)', 'libs/core/src/long.ts')).toBe(1);
    expect(reports(verdict, 'eslint(max-lines)', 'libs/core/src/exactly-300.ts')).toBe(0);
    const named = ['common', 'domain', 'helpers', 'infrastructure', 'interfaces', 'shared', 'types', 'utils'];
    for (const folder of named) expect(verdict.output).toContain(`law 4: a folder named "${folder}/" holds anything`);
    expect(broken(verdict)).toContain(
      'libs/core/src/tiers/memory/policy.ts: law 4: deeper than libs/<lib>/src/<room>/<file>; move it up or make it a room',
    );
    expect(broken(verdict)).toHaveLength(named.length + 1);
  });

  it('law 5: no promise floats, is voided or loses its error, and none is handed to a caller that ignores it', () => {
    const verdict = lint('law-5-detached');
    expect(verdict).toMatchObject({ status: 1, failed: 'oxlint, laws' });
    expect(reports(verdict, 'typescript(no-floating-promises)', 'libs/core/src/floating.ts')).toBe(1);
    expect(reports(verdict, 'typescript(no-floating-promises)', 'apps/catalog/src/main.ts')).toBe(1);
    expect(reports(verdict, 'typescript(no-misused-promises)', 'libs/core/src/timer.ts')).toBe(1);
    expect(broken(verdict)).toEqual([
      'libs/core/src/ignored.ts: law 5: detached work goes through the background room',
      'libs/core/src/swallowed.ts: law 5: detached work goes through the background room',
      'libs/core/src/voided.ts: law 5: detached work goes through the background room',
    ]);
  });

  it('refuses tests that are skipped, singled out or left for later', () => {
    const verdict = lint('skipped-tests');
    expect(verdict.status).toBe(1);
    const names = ['it.skip', 'it.only', 'it.todo', 'describe.skip', 'xit', 'it.only'];
    expect(broken(verdict)).toEqual(
      names.map((name) => `test/skipped.spec.ts: skipped test: "${name}" is not allowed`),
    );
  });

  it('refuses a file prettier would write otherwise', () => {
    expect(lint('format')).toMatchObject({ status: 1, failed: 'prettier' });
  });
});
