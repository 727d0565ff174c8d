import { interleave } from '../harness/interleave.mjs';

const REFERENCE = 'raw ioredis';
const CONTENDERS = [
  REFERENCE,
  'strata',
  'strata, L1 off',
  'raw node-redis',
  'layered-loader',
  'async-cache-dedupe',
  'cache-manager',
  'cacheable',
  'bentocache',
];

/** Hits of the second tier: 100 B, 1 KB and 10 KB, 1, 50 and 500 readers at a time. */
export async function measure({ redis, rounds, quick, options, before, only }) {
  const roundMs = quick ? 30 : 250;
  const contenders = [...CONTENDERS, ...(before ? ['strata before'] : [])].filter(
    (name) => only === undefined || name === REFERENCE || only.includes(name),
  );
  const scenarios = [];
  for (const bytes of quick ? [100, 1_000] : [100, 1_000, 10_000]) {
    for (const concurrency of [1, 50, 500]) {
      const cells = contenders.map((contender) => ({ contender, bytes, concurrency, roundMs, redisUrl: redis.url }));
      scenarios.push({
        name: `${bytes} B at ${concurrency}`,
        title: `${bytes} B, ${concurrency} at a time`,
        reference: REFERENCE,
        cells: await interleave({ work: 'l2', cells, rounds, reference: REFERENCE, options }),
      });
    }
  }
  return { scenarios };
}
