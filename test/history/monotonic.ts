/**
 * ms of the machine's monotonic clock, which readings of several processes share. Read from it each time: `performance.now()` counts from the start
 * of each process, and an offset measured once is wrong by as long as the process was not run between its two readings. A child
 * that started on a busy machine then dated its reads too early, and the judge let stale ones pass; a parent dated acknowledgements
 * too early, and it saw stale reads where none were.
 */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Slack for comparing readings of two processes, ms. */
export const ACROSS_PROCESSES = 0.1;
