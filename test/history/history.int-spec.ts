import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OwnProcess } from '../support/process-keeper.js';
import { stopAll } from '../support/redis-server.js';
import { MUTANTS } from './mutants.mjs';

const ROOT = new URL('../../', import.meta.url);
const SECONDS = 15;

/** A process of its own: a history needs an event loop that nobody else blocks. */
async function run(script: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const register = new URL('test/support/register-swc.mjs', ROOT).href;
  const words = [
    '--conditions=@strata-cache/source',
    '--import',
    register,
    fileURLToPath(new URL(script, import.meta.url)),
  ];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [...words, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { code } = await new OwnProcess(child).exit;
  return { code, output };
}

describe('histories under faults', () => {
  afterAll(async () => stopAll());

  it.each([
    ['coherent', 7],
    ['bounded', 8],
    ['hold', 9],
  ])(
    '%s: no read breaks the promise',
    async (mode, seed) => {
      // The figures that make a proof are asked of the longer runs (`npm run prove`): here other suites share the machine.
      const args = ['--mode', mode, '--seconds', `${SECONDS}`, '--seed', `${seed}`, '--lenient'];
      const { code, output } = await run('./run.ts', args);
      expect(output).toMatch(new RegExp(`^PROOF ${mode}.violations=0$`, 'm'));
      expect(Number(/\.reads=(\d+)/.exec(output)?.[1])).toBeGreaterThan(10_000);
      expect(Number(/\.faults=(\d+)/.exec(output)?.[1])).toBeGreaterThan(15);
      expect(code).toBe(0);
    },
    (SECONDS + 45) * 1_000,
  );

  it.each(MUTANTS.filter(({ quick }) => quick === true))(
    'the checker finds the mutant $name',
    async ({ name }) => {
      const { code, output } = await run('./prove-mutants.ts', ['--seed', '5', name]);
      expect(output).toContain(`caught ${name}`);
      expect(code).toBe(0);
    },
    120_000,
  );

  it.each(MUTANTS)('the pattern of the mutant $name stands exactly once', ({ patches }) => {
    for (const { file, find } of patches) {
      expect(readFileSync(new URL(file, ROOT), 'utf8').split(find)).toHaveLength(2);
    }
  });
});
