import type { RoundOptions, RoundResult } from './round.js';

/** What must have happened in 60 s for a run to prove anything; shorter and longer runs in proportion. */
const MINIMUM = {
  // In bounded mode the first tier answers most reads.
  l2Hits: { coherent: 20_000, bounded: 3_000, hold: 20_000 },
  reads: { coherent: 250_000, bounded: 400_000, hold: 100_000 },
  faults: 80,
  invalidations: { coherent: 4_000, bounded: 4_000, hold: 1_500 },
  executions: 1_000,
};
const MINIMUM_L1_HITS = 50_000;
/** Writer crashes in hold mode. */
const MINIMUM_CRASHES = 100;

/** Prints the figures as `PROOF name=value` lines; false when something was violated, or too little happened. */
export function report(
  options: RoundOptions,
  { checker, faults, counters, settled }: RoundResult,
  lenient: boolean,
): boolean {
  const { mode, seconds } = options;
  const injected = [...faults.values()].reduce((sum, times) => sum + times, 0);
  const figures: Record<string, number | string> = {
    seed: options.seed,
    seconds,
    reads: checker.reads,
    ...counters,
    faults: injected,
    staleReads: checker.staleReads,
    maxLagMs: checker.maxLag.toFixed(1),
    recoveryMs: settled.recovery.toFixed(0),
    stuck: settled.stuck,
    violations: checker.violationCount,
  };
  for (const [name, value] of Object.entries(figures)) console.log(`PROOF ${mode}.${name}=${value}`);
  for (const [name, times] of [...faults].sort()) console.log(`FAULT ${name}: ${times}`);
  for (const { what, key, instance, detail } of checker.violations)
    console.log(`VIOLATION ${what}: ${key} on ${instance}: ${detail}`);
  const scale = seconds / 60;
  const least: Record<string, number> = {
    reads: MINIMUM.reads[mode] * scale,
    invalidations: MINIMUM.invalidations[mode] * scale,
    executions: MINIMUM.executions * scale,
    l2Hits: MINIMUM.l2Hits[mode] * scale,
    faults: options.only === undefined ? MINIMUM.faults * scale : 0,
    ...(mode === 'bounded' ? { l1Hits: MINIMUM_L1_HITS * scale } : {}),
    ...(mode === 'hold' ? { crashes: MINIMUM_CRASHES * scale } : {}),
  };
  const short = Object.entries(least).filter(([name, minimum]) => Number(figures[name]) < minimum);
  for (const [name, minimum] of short)
    console.log(`TOO FEW ${name}: ${figures[name]}, expected at least ${Math.ceil(minimum)}`);
  return checker.violationCount === 0 && (lenient || short.length === 0);
}
