import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['--conditions=@strata-cache/source', '--import', './test/support/register-swc.mjs'];
/** A process that outlives its failed start is ended then, and has no exit code. ms */
const PATIENCE = 60_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-start-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: unknown;
  readonly output: string;
}

function start(app: string, settings: Readonly<Record<string, string>>): Promise<Ended> {
  const { NODE_OPTIONS: _, REDIS_URL: _redis, DATABASE_URL: _database, ...inherited } = process.env;
  const env = { ...inherited, PORT: '0', SEED_PRODUCTS: '5', DATABASE_FILE: join(folder, `${app}.db`), ...settings };
  const options = { cwd: project, env, timeout: PATIENCE, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, [...SOURCES, `apps/${app}/src/main.ts`], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });
}

describe('a sample with settings that are wrong', () => {
  it.each(['catalog', 'pricing'])(
    '%s ends when its start fails with the database open',
    async (app) => {
      const { code, output } = await start(app, { NATS_URL: 'nats://:secret@127.0.0.1:99999' });
      expect(output).toMatch(/connecting to the server of NATS_URL/);
      expect(output).toMatch(/FATAL/);
      expect(output).not.toMatch(/secret/);
      expect(code).toBe(1);
    },
    90_000,
  );

  it('catalog says what is wrong with REDIS_URL, without its password', async () => {
    const { code, output } = await start('catalog', { REDIS_URL: 'redis://:secret@127.0.0.1:99999' });
    expect(output).toMatch(/redis\(\): url: expected/);
    expect(output).not.toMatch(/secret/);
    expect(code).toBe(1);
  }, 90_000);
});
