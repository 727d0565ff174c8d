import type { Mode } from './checker.js';
import type { RoundOptions } from './round.js';

/** The round a proof is made of: 3 instances behind proxies, one in a process of its own, X = 600 ms with a heartbeat every 250. */
export function proofOptions({
  mode,
  seconds,
  seed,
}: {
  readonly mode: Mode;
  readonly seconds: number;
  readonly seed: number;
}): RoundOptions {
  return {
    mode,
    seconds,
    seed,
    instances: 3,
    children: 1,
    shards: 1,
    maxStaleness: 600,
    heartbeat: 250,
    only: undefined,
    stopEarly: false,
    // Children run on the same, perhaps mutated, sources.
    fork: { nodeArgs: ['--import', new URL('./register-mutant.mjs', import.meta.url).href] },
  };
}
