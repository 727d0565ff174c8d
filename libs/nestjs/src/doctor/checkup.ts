import type { CacheStats, StrataStats, TierFacts } from '@strata-cache/core';

/** Everything the rules look at; gathered first, so that they are plain functions. */
export interface Checkup {
  readonly namespace: string;
  readonly maxStaleness: number;
  readonly heartbeat: number;
  readonly caches: readonly CacheFacts[];
  readonly engine: StrataStats;
  /** Undefined without a second tier. */
  readonly tier: TierFacts | undefined;
  /** The facts before these, to compare clocks. */
  readonly earlier: TierFacts | undefined;
  /** Somebody collects metrics. */
  readonly observed: boolean;
  /** Handlers that say how their responses may be cached. */
  readonly httpRoutes: number;
}

/** Caches of the engine itself, such as that of HTTP responses: nobody owns them, and nothing is to be said of their ttl. */
export function isInternal(cache: string): boolean {
  return cache.startsWith('strata.');
}

export interface CacheFacts {
  readonly name: string;
  readonly owner: string;
  readonly version: number;
  /** ms */
  readonly ttl: number;
  readonly negative: boolean;
  readonly expectedHitRatio: number | undefined;
  readonly serializer: number;
  /** A decorator, an event or, so far, a call clears it. */
  readonly cleared: boolean;
  readonly stats: CacheStats;
}
