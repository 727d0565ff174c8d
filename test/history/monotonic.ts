import { performance } from 'node:perf_hooks';

/** `performance.now()` counts from the start of each process, `hrtime` from the start of the machine. */
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds of the machine's monotonic clock: readings of several processes are comparable, to a few µs. */
export function monotonic(): number {
  return performance.now() + OFFSET;
}

/** Slack for comparing readings of two processes, ms. */
export const ACROSS_PROCESSES = 0.1;
