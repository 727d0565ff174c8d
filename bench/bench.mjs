import { parseArgs } from 'node:util';
import { buildLibraries, installPeers, keptLibraries } from './harness/libraries.mjs';
import { readable } from './harness/numbers.mjs';
import { startRedis } from './harness/servers.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    keep: { type: 'string' },
    against: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
});
installPeers();
if (values.keep !== undefined) {
  console.error(`bench: kept as ${buildLibraries(values.keep)}`);
}
const libs = positionals.length > 0 ? buildLibraries() : undefined;
if (values.against !== undefined) process.env.STRATA_BENCH_BEFORE = keptLibraries(values.against);
for (const name of positionals) {
  const { measure } = await import(`./rows/${name}.mjs`);
  const redis = await startRedis();
  try {
    const result = await measure({
      redis,
      rounds: 7,
      quick: values.quick === true,
      options: { libs },
      before: values.against !== undefined,
      only: values.only,
    });
    for (const { title, reference, cells } of result.scenarios) {
      console.log(`\n${title}  (1.0 = ${reference})`);
      for (const { contender, median, min, max, cpu, ratio } of cells)
        console.log(
          `  ${contender.padEnd(22)} ${readable(median).padStart(9)} ns  ${readable(min).padStart(9)} .. ${readable(max).padStart(9)}  cpu ${cpu.toFixed(3)} us   ${ratio?.toFixed(3)}`,
        );
    }
  } finally {
    await redis.stop();
  }
}
