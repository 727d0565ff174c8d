import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../', import.meta.url));

function check(path: string | undefined): { status: number | null; output: string } {
  const script = `${project}scripts/setup.mjs`;
  const run = spawnSync(process.execPath, [script, '--check'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  return { status: run.status, output: run.stdout + run.stderr };
}

describe('the set-up of npm test', () => {
  it('finds every server the suites spawn', () => {
    expect(check(process.env.PATH)).toEqual({ status: 0, output: 'set-up: every server is there\n' });
  });

  it('stops with the servers that are missing and the one line to run', () => {
    const { status, output } = check('/nowhere');
    expect(status).toBe(1);
    expect(output).toMatch(/the tests need redis-server, .*docker-compose/);
    expect(output).toMatch(/Run: .*install.* redis-server .*docker-compose|Run: brew install redis /);
    expect(output.trim().split('\n')).toHaveLength(1);
  });
});

describe('.ci/run', () => {
  const path = `${project}.ci/run`;

  it('installs and calls exactly npm test', () => {
    const commands = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(commands).toEqual(['set -euo pipefail', 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', 'npm ci', 'npm test']);
  });

  it('is executable', () => {
    expect(statSync(path).mode & 0o111).toBe(0o111);
  });
});
