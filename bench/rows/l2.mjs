import { closed, inTurn, started } from '../harness/interleave.mjs';

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
export async function measure({ redis, rounds, quick, options, before, only, onScenario }) {
  const settings = quick
    ? { roundMs: 40, warmMs: 150, keyCount: 3_000 }
    : { roundMs: 90, warmMs: 250, keyCount: 3_000 };
  const contenders = [...CONTENDERS, ...(before ? ['strata before'] : [])].filter(
    (name) => only === undefined || name === REFERENCE || only.includes(name),
  );
  const cells = contenders.map((contender) => ({ contender, redisUrl: redis.url, ...settings }));
  const processes = await started('l2', cells, options);
  try {
    for (const bytes of quick ? [100, 1_000] : [100, 1_000, 10_000]) {
      for (const one of processes) await one.ask('fill', bytes);
      for (const readers of [1, 50, 500]) {
        onScenario({
          name: `${bytes} B at ${readers}`,
          title: `${bytes} B, ${readers} at a time`,
          reference: REFERENCE,
          cells: await inTurn({ processes, contenders, rounds, reference: REFERENCE, scenario: { readers } }),
        });
      }
    }
  } finally {
    await closed(processes);
  }
}
