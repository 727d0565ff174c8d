import type { CacheStats } from '@strata-cache/core';
import type { CacheFacts, Checkup } from './checkup.js';
import { findings, type Finding } from './finding.js';

/** Below this many lookups, or loads, nothing is said about how a cache does. */
const ENOUGH_LOOKUPS = 100;
const ENOUGH_LOADS = 20;
/** A source that answers within this many ms needs no cache. */
const FAST = 5;
const SHORT_TTL = 30_000;
/** One ttl for fewer caches than this is no habit. */
const SEVERAL = 3;

/** Rules about definitions, and "does this cache pay?". */
export function examineCaches({ caches }: Checkup): readonly Finding[] {
  const ttls = new Set(caches.map(({ ttl }) => ttl));
  const one = caches.length >= SEVERAL && ttls.size === 1;
  return [
    ...(one ? [findings.oneTtl(caches.length, `${caches[0].ttl / 1000} s`)] : []),
    ...caches.flatMap((cache) => examineCache(cache)),
  ];
}

function examineCache({ name, ttl, expectedHitRatio, stats }: CacheFacts): readonly Finding[] {
  const found: Finding[] = [];
  const { answered, lookups, meanLoad } = savingsOf(stats);
  if (ttl < SHORT_TTL) found.push(findings.shortTtl(name, ttl));
  if (stats.loads >= ENOUGH_LOADS && meanLoad < FAST) found.push(findings.fastSource(name, meanLoad));
  if (lookups < ENOUGH_LOOKUPS) return found;
  const ratio = answered / lookups;
  if (expectedHitRatio !== undefined && ratio < expectedHitRatio) {
    found.push(findings.lowHitRatio(name, ratio, expectedHitRatio));
  }
  if (stats.invalidations > answered) found.push(findings.churn(name, stats.invalidations, answered));
  return found;
}

/** What a cache is worth by its counters. Times in ms. */
export interface Savings {
  /** Lookups that needed no load. */
  readonly answered: number;
  readonly lookups: number;
  readonly meanLoad: number;
  /** Time callers did not wait, by estimate. */
  readonly saved: number;
}

export function savingsOf(stats: CacheStats): Savings {
  const answered = stats.hits + stats.l2Hits + stats.stale;
  return {
    answered,
    lookups: answered + stats.misses,
    meanLoad: stats.loads === 0 ? 0 : stats.loadMs / stats.loads,
    saved: stats.savedMs,
  };
}
