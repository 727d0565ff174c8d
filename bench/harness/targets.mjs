/**
 * What we set out to reach, as functions of the stored results. `value` returns undefined while its row was not measured.
 * Ratios: above 1 is faster than the reference.
 */
const cell = (rows, row, scenario, contender) =>
  rows
    .get(row)
    ?.scenarios.find(({ name }) => name === scenario)
    ?.cells.find((one) => one.contender === contender);
const ratio =
  (...path) =>
  (rows) =>
    cell(rows, ...path)?.ratio ?? undefined;
const time =
  (...path) =>
  (rows) =>
    cell(rows, ...path)?.median;
const loads =
  (...path) =>
  (rows) =>
    cell(rows, ...path)?.mostLoads;
const cpuMs =
  (...path) =>
  (rows) =>
    cell(rows, ...path)?.cpuMs;
const quotient = (over, under) => (rows) => {
  const [a, b] = [over(rows), under(rows)];
  return a === undefined || b === undefined ? undefined : a / b;
};
const difference = (of, from) => (rows) => {
  const [a, b] = [of(rows), from(rows)];
  return a === undefined || b === undefined ? undefined : a - b;
};

export const TARGETS = [
  ['L1 hit, shared clock, to `await map.get(k)`', ratio('l1', 'hot', 'strata'), '>=', 0.8],
  ['L1 hit, exact clock (with a bus), to `await map.get(k)`', ratio('l1', 'hot', 'strata, bus'), '>=', 0.6],
  [
    '`@Cacheable` hit over `getOrSet`, ns',
    difference(time('l1', 'hot', 'strata @Cacheable'), time('l1', 'hot', 'strata')),
    '<=',
    150,
  ],
  [
    'L1 hit with telemetry, times one without',
    quotient(time('l1', 'hot', 'strata, otel'), time('l1', 'hot', 'strata')),
    '<=',
    1.15,
  ],
  ['`peek`, shared clock, ns', time('l1', 'peek', 'strata'), '<=', 20],
  ['`peek`, exact clock, ns', time('l1', 'peek', 'strata, bus'), '<=', 55],
  ['L1 hit, 10,000 resident keys, ns', time('l1', 'resident', 'strata'), '<=', 200],
  ['zipf 0.99 with 10 % room, misses included, ns', time('l1', 'zipf', 'strata'), '<=', 600],
  ['hit ratio, zipf 0.99 with 10 % room', time('eviction', 'zipf 0.99, 10 %', 'strata (s3-fifo)'), '>=', 0.77],
  ['worst hit ratio under LRU over the traces, 10 %', worstUnderLru, '<=', 0.04],
  ['L2 hit, 1 KB at 1, to raw ioredis', ratio('l2', '1000 B at 1', 'strata'), '>=', 0.95],
  ['L2 hit, 1 KB at 50', ratio('l2', '1000 B at 50', 'strata'), '>=', 1.4],
  ['L2 hit, 1 KB at 500', ratio('l2', '1000 B at 500', 'strata'), '>=', 1.9],
  ['L2 hit, 100 B at 50', ratio('l2', '100 B at 50', 'strata'), '>=', 2.3],
  ['L2 hit, 100 B at 500', ratio('l2', '100 B at 500', 'strata'), '>=', 5],
  ['stampede, one process, loads', loads('stampede', 'one process', 'strata'), '<=', 1],
  ['stampede, one process, ms', time('stampede', 'one process', 'strata'), '<=', 53],
  ['stampede, one process, CPU ms', cpuMs('stampede', 'one process', 'strata'), '<=', 2.5],
  ['stampede, four processes, loads', loads('stampede', 'four processes', 'strata'), '<=', 1],
  ['stampede, four processes, ms', time('stampede', 'four processes', 'strata'), '<=', 58],
  ['stampede, four processes, CPU ms', cpuMs('stampede', 'four processes', 'strata'), '<=', 8],
  ['failing loader, one process, calls', loads('stampede', 'failing, one process', 'strata'), '<=', 1],
  [
    'failing loader, four processes, calls, by default',
    loads('stampede', 'failing, four processes', 'strata'),
    '<=',
    1,
  ],
  [
    'failing loader, four processes, calls, with `sharedErrors`',
    loads('stampede', 'failing, four processes', 'strata, errors told'),
    '<=',
    1,
  ],
  ['failing loader, four processes, ms, by default', time('stampede', 'failing, four processes', 'strata'), '<=', 115],
  [
    'stored 10 KB, interceptor, Express, to CacheInterceptor',
    ratio('http', 'stored, express', 'strata, interceptor'),
    '>=',
    1.4,
  ],
  ['stored 10 KB, interceptor, Fastify', ratio('http', 'stored, fastify', 'strata, interceptor'), '>=', 2],
  ['stored 10 KB, early path, Express', ratio('http', 'stored, express', 'strata, early'), '>=', 2.3],
  ['stored 10 KB, early path, Fastify', ratio('http', 'stored, fastify', 'strata, early'), '>=', 3.2],
  ['304 by version, Express, to an empty handler', ratio('http', '304, express', 'strata, version'), '>=', 0.9],
  ['304 by version, Fastify', ratio('http', '304, fastify', 'strata, version'), '>=', 0.9],
  ['invalidation to 8 L1s, p50, times raw pub/sub', inverse('fanout', 'p50', 'strata'), '<=', 1.5],
  ['invalidation to 8 L1s, p99, times raw pub/sub', inverse('fanout', 'p99', 'strata'), '<=', 2],
  ['invalidation script, server CPU, us', time('fanout', 'script', 'strata'), '<=', 18],
  ['bytes per entry over key and value', time('memory', 'entry', 'strata'), '<=', 64],
  ['the same with a tag each', time('memory', 'entry', 'strata, one tag each'), '<=', 80],
  ['hit with 1,000,000 entries, times one with 1,000', inverse('scale', 'hit, strata', '1,000,000'), '<=', 3],
  ['tag invalidation with 1,000,000 entries, times 10', inverse('scale', 'tag, strata', '1,000,000'), '<=', 1.5],
  ['bus work per instance, 32 instances, times 2', inverse('fanout', 'instances', '32'), '<=', 2],
].map(([work, value, comparison, target]) => ({
  work: String(work),
  value: /** @type {(rows: Map<string, any>) => number | undefined} */ (value),
  comparison: String(comparison),
  target: Number(target),
}));

function inverse(...path) {
  return (rows) => {
    const found = ratio(...path)(rows);
    return found === undefined ? undefined : 1 / found;
  };
}

function worstUnderLru(rows) {
  const traces = rows.get('eviction')?.scenarios.filter(({ name }) => name.endsWith(', 10 %'));
  if (traces === undefined) return undefined;
  const of = (cells, name) => cells.find(({ contender }) => contender === name).median;
  return Math.max(...traces.map(({ cells }) => of(cells, 'lru') - of(cells, 'strata (s3-fifo)')));
}

/** Whether a value has reached its target. */
export function reached({ comparison, target }, value) {
  return comparison === '>=' ? value >= target : value <= target;
}
