import { heapRun } from './heap-run.js';

/**
 * 1,000,000 distinct keys through an L1 of 10,000: the heap stays where it was when L1 had filled up.
 *   node --expose-gc --conditions=@strata-cache/source --import ./test/support/register-swc.mjs test/engine/heap-proof.ts
 */
const KEYS = 1_000_000;
const MAX_ENTRIES = 10_000;
/** MB the heap may grow between the 30,000th and the last key. */
const BOUND = 5;

if (globalThis.gc === undefined) {
  throw new Error('run with --expose-gc');
}
const { fullMb, endMb, entries, evictions, loads } = await heapRun(KEYS, MAX_ENTRIES);
const growth = endMb - fullMb;
console.log(`PROOF keys=${KEYS}`);
console.log(`PROOF entries=${entries}  at most ${MAX_ENTRIES}`);
console.log(`PROOF evictions=${evictions}`);
console.log(`PROOF heap_when_full_mb=${fullMb.toFixed(1)}`);
console.log(`PROOF heap_at_end_mb=${endMb.toFixed(1)}`);
console.log(`PROOF heap_growth_mb=${growth.toFixed(2)}  bound ${BOUND}`);
if (growth > BOUND || entries > MAX_ENTRIES || loads !== KEYS) {
  process.exitCode = 1;
}
