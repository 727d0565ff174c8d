/** ns and µs of CPU that `run` took. */
export async function timed(run) {
  const cpu = process.cpuUsage();
  const since = process.hrtime.bigint();
  const result = await run();
  const ns = Number(process.hrtime.bigint() - since);
  const { user, system } = process.cpuUsage(cpu);
  return { ns, cpu: user + system, result };
}

/**
 * How many operations make a round of `ms`, found by doubling; it warms up on the way.
 * `run(count)` does that many.
 */
export async function calibrate(run, ms, least = 1) {
  for (let count = least; ; count *= 2) {
    const { ns } = await timed(() => run(count));
    if (ns >= (ms * 1e6) / 2 || count >= 2 ** 26) {
      return Math.max(least, Math.round((count * ms * 1e6) / ns / least) * least);
    }
  }
}
