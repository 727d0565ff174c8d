import type { CacheStats, ObservedEngine, StrataStats, TierVitals } from '@strata-cache/core';
import type { MetricId } from './metrics.js';

/** One value of a metric, with the values of its attributes in the order of the table. */
export interface Observation {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  readonly value: number;
}

type Seen = readonly [metric: MetricId, value: number, ...labels: string[]];

/** Everything there is to read of an engine, as it stands: how many, is decided by caches, outcomes and servers, never by keys. */
export function* observationsOf(engine: ObservedEngine): Generator<Observation> {
  for (const cache of engine.caches()) {
    for (const [metric, value, ...labels] of cacheValues(cache.stats())) {
      yield { metric, value, labels: [cache.name, ...labels] };
    }
    const { expectedHitRatio } = cache.definition;
    if (expectedHitRatio !== undefined) {
      yield { metric: 'expectedHitRatio', value: expectedHitRatio, labels: [cache.name] };
    }
  }
  for (const [metric, value, ...labels] of engineValues(engine.stats())) {
    yield { metric, value, labels };
  }
  for (const { name, labels, value } of engine.counts()) {
    yield { metric: COUNTS[name], value, labels };
  }
  for (const vitals of engine.vitals()) {
    for (const [metric, value] of serverValues(vitals)) {
      yield { metric, value, labels: [vitals.server] };
    }
  }
}

const COUNTS = {
  invalidations: 'invalidations',
  received: 'busReceived',
  calls: 'l2Calls',
  refusals: 'l2Refusals',
  responses: 'responses',
  events: 'events',
} as const;

function cacheValues(stats: CacheStats): readonly Seen[] {
  return [
    ['lookups', stats.hits - stats.negative, 'l1', 'hit'],
    ['lookups', stats.negative, 'l1', 'negative'],
    ['lookups', stats.stale - stats.l2Stale, 'l1', 'stale'],
    ['lookups', stats.l2Hits - stats.l2Negative, 'l2', 'hit'],
    ['lookups', stats.l2Negative, 'l2', 'negative'],
    ['lookups', stats.l2Stale, 'l2', 'stale'],
    ['lookups', stats.misses, 'none', 'miss'],
    ['joined', stats.joined, 'flight'],
    ['joined', stats.waited, 'lease'],
    ['loads', stats.loads],
    ['loadErrors', stats.loadErrors],
    ['saved', stats.savedMs / 1000],
    ['stored', stats.stored],
    ['refused', stats.refused],
    ['fenceRejections', stats.fenceRejected - stats.fenceRefused, 'local'],
    ['fenceRejections', stats.fenceRefused, 'shared'],
    ['removals', stats.evictions, 'evicted'],
    ['removals', stats.expired, 'expired'],
    ['removals', stats.overtaken, 'overtaken'],
    ['removals', stats.deleted, 'deleted'],
    ['removals', stats.replaced, 'replaced'],
    ['cacheInvalidations', stats.invalidations],
    ['distinctKeys', stats.distinctKeys],
    ['unproven', stats.unproven],
    ['l2Errors', stats.l2Errors],
    ['l2Written', stats.l2Bytes],
  ];
}

function engineValues(stats: StrataStats): readonly Seen[] {
  return [
    ['l1Entries', stats.l1Entries],
    ['l1Bytes', stats.l1Bytes],
    ['inFlight', stats.inFlight],
    ['recoveryQueue', stats.unsent],
    ['breakerOpen', stats.breaker === 'open' ? 1 : 0],
    ['breakerOpenings', stats.breakerOpenings],
    ['busLag', stats.busLag / 1000],
    ['heartbeatAge', stats.heartbeatAge / 1000],
    ['busGaps', stats.busGaps],
    ['locks', stats.locks.granted, 'granted'],
    ['locks', stats.locks.refused, 'refused'],
    ['locks', stats.locks.lost, 'lost'],
    ['locksHeld', stats.locks.held],
    ['locksWaiting', stats.locks.waiting],
  ];
}

function serverValues(vitals: TierVitals): readonly Seen[] {
  const values: readonly Seen[] = [
    ['redisUsed', vitals.usedBytes],
    ['redisMax', vitals.maxBytes],
    ['redisFragmentation', vitals.fragmentation],
    ['redisEvicted', vitals.evictedKeys],
    ['redisCommands', vitals.commands],
    ['redisWrites', vitals.writes],
    ['redisErrors', vitals.errors],
    ['redisCpu', vitals.cpuSeconds],
    ['redisKeys', vitals.keys],
    ['redisKeysWithoutTtl', vitals.keysWithoutTtl],
  ];
  return vitals.commandP99 === undefined ? values : [...values, ['redisCommandP99', vitals.commandP99 / 1000]];
}
