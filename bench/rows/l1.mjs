import { interleave } from '../harness/interleave.mjs';

const PEERS = ['lru-cache', 'layered-loader', 'async-cache-dedupe', 'cache-manager', 'cacheable', 'bentocache'];
const REFERENCE = 'await Map.get';
const STRATA = ['strata', 'strata, bus', 'strata @Cacheable', 'strata, otel'];

/** Hits of the first tier. */
export async function measure({ redis, rounds, quick, options, before, onScenario }) {
  const roundMs = quick ? 20 : 200;
  const extra = before ? ['strata before'] : [];
  const scenarios = [
    { name: 'hot', title: 'One hot key, awaited', contenders: [REFERENCE, ...STRATA, ...extra, ...PEERS] },
    {
      name: 'resident',
      title: '10,000 resident keys, awaited',
      contenders: [REFERENCE, 'strata', 'strata, bus', ...extra, ...PEERS],
    },
    {
      name: 'zipf',
      title: 'zipf 0.99 over 100,000 keys, room for 10,000, misses included',
      contenders: ['lru-cache', 'strata', ...extra, ...PEERS.slice(1)],
      reference: 'lru-cache',
    },
    {
      name: 'peek',
      title: 'Synchronous read of one hot key',
      contenders: ['Map.get', 'lru-cache', 'layered-loader', 'strata', 'strata, bus', ...extra].map((name) =>
        name === 'Map.get' ? REFERENCE : name,
      ),
    },
  ];
  for (const { name, title, contenders, reference = REFERENCE } of scenarios) {
    const cells = contenders.map((contender) => ({
      contender,
      scenario: name,
      roundMs,
      redisUrl: contender === 'strata, bus' ? redis.url : undefined,
    }));
    onScenario({ name, title, reference, cells: await interleave({ work: 'l1', cells, rounds, reference, options }) });
  }
}
