/** How a metric behaves: `counter` only rises, `gauge` is read as it stands, `histogram` collects durations. */
export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** A metric as it is exported. Prometheus writes `.` as `_` and adds `_total` to counters. */
export interface Metric {
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM: `s`, `By`, `1`, or what is counted in braces. */
  readonly unit: string;
  /** Attributes besides `engine`, the namespace, which all but histograms have. Their values are few: never keys. */
  readonly attributes: readonly string[];
  readonly description: string;
}

const counter = (name: string, unit: string, attributes: readonly string[], description: string): Metric => ({
  name,
  kind: 'counter',
  unit,
  attributes,
  description,
});
const gauge = (name: string, unit: string, attributes: readonly string[], description: string): Metric => ({
  name,
  kind: 'gauge',
  unit,
  attributes,
  description,
});
const histogram = (name: string, attributes: readonly string[], description: string): Metric => ({
  name,
  kind: 'histogram',
  unit: 's',
  attributes,
  description,
});

/** Every metric there is. `docs/observability.md` has the same table, and a test compares. */
export const METRICS = {
  lookups: counter(
    'strata.lookups',
    '{lookup}',
    ['cache', 'tier', 'outcome'],
    'Lookups by the tier that answered (l1, l2, none) and outcome (hit, stale, negative, miss)',
  ),
  joined: counter(
    'strata.joined',
    '{caller}',
    ['cache', 'at'],
    'Callers that shared a load: of this process (flight), or of another instance (lease)',
  ),
  loads: counter('strata.loads', '{load}', ['cache'], 'Loader executions started'),
  loadErrors: counter('strata.load.errors', '{load}', ['cache'], 'Loads that ended without a value'),
  loadDuration: histogram('strata.load.duration.seconds', ['cache', 'outcome'], 'What loaders take (ok, error)'),
  saved: counter('strata.saved.seconds', 's', ['cache'], 'Time callers did not wait: answered lookups x mean load'),
  stored: counter('strata.stored', '{entry}', ['cache'], 'Entries written'),
  refused: counter('strata.refused', '{value}', ['cache'], 'Values returned but not stored, for their shape or size'),
  fenceRejections: counter(
    'strata.fence.rejections',
    '{value}',
    ['cache', 'reason'],
    'Values an invalidation overtook: seen in this process (local), or only by the second tier (shared)',
  ),
  removals: counter(
    'strata.l1.removals',
    '{entry}',
    ['cache', 'cause'],
    'Entries that left L1: evicted (no room), expired, overtaken, deleted, replaced',
  ),
  cacheInvalidations: counter('strata.cache.invalidations', '{invalidation}', ['cache'], 'Keys and clears per cache'),
  distinctKeys: gauge(
    'strata.distinct.keys',
    '{key}',
    ['cache'],
    'Different keys asked for, by estimate (HyperLogLog)',
  ),
  unproven: counter(
    'strata.unproven',
    '{lookup}',
    ['cache'],
    'Hits served past the staleness bound (whenDisconnected)',
  ),
  l2Errors: counter('strata.l2.errors', '{error}', ['cache'], 'Reads and writes the second tier failed for a cache'),
  l2Written: counter('strata.l2.written.bytes', 'By', ['cache'], 'Payload bytes the second tier acknowledged'),
  expectedHitRatio: gauge('strata.expected.hit.ratio', '1', ['cache'], 'expectedHitRatio of the definition'),

  l1Entries: gauge('strata.l1.entries', '{entry}', [], 'Entries in L1'),
  l1Bytes: gauge('strata.l1.bytes', 'By', [], 'Estimated bytes of keys and values in L1'),
  inFlight: gauge('strata.in.flight', '{load}', [], 'Loads and reads under way'),
  invalidations: counter(
    'strata.invalidations',
    '{name}',
    ['kind', 'mode'],
    'Names this process invalidated: key, tag, clear; delete or expire',
  ),
  recoveryQueue: gauge(
    'strata.recovery.queue',
    '{invalidation}',
    [],
    'Invalidations the second tier has not taken yet',
  ),
  l2Calls: counter('strata.l2.calls', '{call}', ['operation', 'outcome'], 'Round trips to the second tier (ok, error)'),
  l2Duration: histogram(
    'strata.l2.duration.seconds',
    ['operation', 'outcome'],
    'What round trips to the second tier take',
  ),
  l2Refusals: counter(
    'strata.l2.refusals',
    '{value}',
    ['reason'],
    'Values Redis did not take: lease, cleared, incarnation (overtaken), late, held, version, ttl, memory',
  ),
  breakerOpen: gauge('strata.breaker.open', '1', [], '1 while the second tier is left out, else 0'),
  breakerOpenings: counter('strata.breaker.openings', '{opening}', [], 'How often the breaker has opened'),
  busLag: gauge('strata.bus.lag.seconds', 's', [], 'What the last heartbeat took to come back behind all messages'),
  heartbeatAge: gauge('strata.bus.heartbeat.age.seconds', 's', [], 'Time since the bus was last proven alive'),
  busGaps: counter('strata.bus.gaps', '{gap}', [], 'Missed messages noticed: L1 of the shard was dropped'),
  busReceived: counter(
    'strata.bus.received',
    '{message}',
    ['kind'],
    'Invalidations received: key, tag, clear, unreadable',
  ),
  locks: counter('strata.locks', '{lock}', ['outcome'], 'Locks granted, refused (not within wait) and lost'),
  locksHeld: gauge('strata.locks.held', '{lock}', [], 'Locks this process holds'),
  locksWaiting: gauge('strata.locks.waiting', '{caller}', [], 'Callers of this process that wait for a lock'),
  lockWait: histogram(
    'strata.lock.wait.seconds',
    ['outcome'],
    'What callers wait for a lock (ok: granted, error: not)',
  ),
  lockHold: histogram('strata.lock.hold.seconds', ['outcome'], 'How long locks are held (ok: released, error: lost)'),
  responses: counter(
    'strata.http.responses',
    '{response}',
    ['outcome', 'reason'],
    'HTTP responses that passed the cache',
  ),
  events: counter('strata.events', '{event}', ['direction', 'outcome'], 'Domain events emitted and received'),

  redisUsed: gauge('strata.redis.memory.used.bytes', 'By', ['server'], 'Memory Redis uses'),
  redisMax: gauge('strata.redis.memory.max.bytes', 'By', ['server'], 'Memory Redis may use; 0: no limit'),
  redisFragmentation: gauge('strata.redis.memory.fragmentation', '1', ['server'], 'Resident over used memory'),
  redisEvicted: counter('strata.redis.evicted.keys', '{key}', ['server'], 'Keys Redis dropped for lack of room'),
  redisCommands: counter('strata.redis.commands', '{command}', ['server'], 'Commands Redis has processed'),
  redisWrites: counter('strata.redis.writes', '{command}', ['server'], 'Commands among them that set an entry'),
  redisErrors: counter('strata.redis.errors', '{reply}', ['server'], 'Error replies Redis has sent'),
  redisCpu: counter('strata.redis.cpu.seconds', 's', ['server'], 'CPU Redis has used, user and system'),
  redisKeys: gauge('strata.redis.keys', '{key}', ['server'], 'Keys in the database'),
  redisKeysWithoutTtl: gauge(
    'strata.redis.keys.without.ttl',
    '{key}',
    ['server'],
    'Keys in the database without a ttl',
  ),
  redisCommandP99: gauge('strata.redis.command.p99.seconds', 's', ['server'], 'Slowest p99 among the commands we use'),
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof METRICS;

/** Bounds of duration histograms, s: a hit in Redis takes a tenth of a ms, a slow loader seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Attributes of metrics and spans. */
export const ATTRIBUTES = {
  engine: 'engine',
  cache: 'strata.cache',
  outcome: 'strata.outcome',
  background: 'strata.background',
  /** Only with `includeKeys`. */
  key: 'strata.key',
  errorType: 'error.type',
  /** The name of a domain event. */
  event: 'strata.event',
} as const;

/** Spans are named after their operation: `strata.read`, `strata.load`, `strata.l2.fill`, `strata.lock.wait`, `strata.event`. */
export const SPAN_PREFIX = 'strata.';
