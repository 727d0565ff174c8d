/**
 * ms of the machine's monotonic clock, read from it each time: an offset that was measured once is wrong by as long as the process happened to
 * be suspended meanwhile, and the readings of several processes are compared here.
 */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
