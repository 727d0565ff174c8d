import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.mjs';

/**
 * Runs the checker on mutated sources, one process a mutant, and fails unless every one is caught:
 * `node --conditions=@strata-cache/source --import ./test/support/register-swc.mjs test/history/prove-mutants.ts [--quick] [name ...]`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: process.env.STRATA_SEED ?? String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) throw new Error(`no mutant is named ${unknown.join(', ')}; see test/history/mutants.mjs`);
const wanted = MUTANTS.filter(({ name, quick }) =>
  positionals.length > 0 ? positionals.includes(name) : !values.quick || quick === true,
);

const SECONDS = 60;
const root = new URL('../../', import.meta.url);
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const hooks = ['test/support/register-swc.mjs', 'test/history/register-mutant.mjs'];
const words = ['--conditions=@strata-cache/source', ...hooks.flatMap((hook) => ['--import', new URL(hook, root).href])];

type Mutant = (typeof MUTANTS)[number];

function commandOf({ mode, scenario, only, seconds = SECONDS }: Mutant): string[] {
  if (scenario !== undefined) return [script('run-scenario.ts'), scenario];
  const faults = only === undefined ? [] : (only.length === 0 ? ['none'] : only).flatMap((fault) => ['--only', fault]);
  const round = ['--mode', mode ?? 'coherent', '--seconds', `${seconds}`, '--seed', values.seed];
  return [script('run.ts'), ...round, '--lenient', '--stop-early', ...faults];
}

/** The first violation that was seen, or what else happened. */
async function hunt(mutant: Mutant): Promise<{ caught: boolean; what: string }> {
  const child = spawn(process.execPath, [...words, ...commandOf(mutant)], {
    cwd: fileURLToPath(root),
    env: { ...process.env, STRATA_MUTANT: mutant.name },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  // A mutant that only crashes, or leaves keys stuck, was not caught by the history.
  const violation = /^VIOLATION (?:stale|order): .*$/m.exec(output)?.[0];
  return { caught: violation !== undefined, what: violation ?? output.slice(-2_000) };
}

let missed = 0;
for (const mutant of wanted) {
  const since = performance.now();
  const { caught, what } = await hunt(mutant);
  const took = ((performance.now() - since) / 1_000).toFixed(1);
  if (!caught) missed += 1;
  console.log(`${caught ? 'caught' : 'MISSED'} ${mutant.name} (${took} s): ${what}`);
}
console.log(`PROOF mutants.seed=${values.seed}`);
console.log(`PROOF mutants.tried=${wanted.length}`);
console.log(`PROOF mutants.caught=${wanted.length - missed}`);
process.exitCode = missed > 0 ? 1 : 0;
