/** Plain counters of one cache since the engine was created. */
export interface CacheStats {
  /** Lookups answered fresh from L1. */
  hits: number;
  /** Lookups answered fresh from the second tier. */
  l2Hits: number;
  /** Lookups answered with a stale value. */
  stale: number;
  /** Of the stale ones, those whose value came from the second tier. */
  l2Stale: number;
  /** Of the hits, those that remember a "not found". */
  negative: number;
  /** Of `l2Hits`, those that remember a "not found". */
  l2Negative: number;
  /** Lookups that found nothing usable. */
  misses: number;
  /** Loader executions that were started. */
  loads: number;
  loadErrors: number;
  /** ms spent in loaders, failed ones included. */
  loadMs: number;
  /** ms that callers did not wait, by estimate: each answered lookup saves what a load of this cache takes on average. */
  savedMs: number;
  /** Callers that shared a load or read already under way. */
  joined: number;
  /** Loads of other instances that were waited for instead of loading. */
  waited: number;
  /** Results that an invalidation overtook: returned, not stored. */
  fenceRejected: number;
  /** Of these, the ones of which only the second tier knew. */
  fenceRefused: number;
  /** Results that were not stored because of their shape or size. */
  refused: number;
  /** Entries written. */
  stored: number;
  /** Keys deleted or expired, tags and clears counted once each. */
  invalidations: number;
  /** Entries that left L1 for lack of room. */
  evictions: number;
  /** Entries that left L1 at the end of their life, when they were looked at. */
  expired: number;
  /** Entries that left L1 because a tag, clear or another instance had overtaken them. */
  overtaken: number;
  /** Entries that left L1 because their key was invalidated. */
  deleted: number;
  /** Entries that left L1 for a newer one of their key. */
  replaced: number;
  /** Payload bytes the second tier acknowledged. */
  l2Bytes: number;
  /** Second-tier calls that failed or timed out. */
  l2Errors: number;
  /** Different keys asked for, by estimate (HyperLogLog, within about 5 %). */
  distinctKeys: number;
  /** Hits served past the staleness bound (`whenDisconnected: 'serve'`). */
  unproven: number;
}

/** Counters and gauges of a lock service of this process. */
export interface LockStats {
  /** Leases held now. */
  readonly held: number;
  /** Callers waiting now. */
  readonly waiting: number;
  readonly granted: number;
  /** Not granted within `wait`. */
  readonly refused: number;
  /** Leases that ended by loss. */
  readonly lost: number;
}

/** Counters and states of a whole engine. */
export interface StrataStats {
  /** Entries in L1, and their estimated bytes. */
  readonly l1Entries: number;
  readonly l1Bytes: number;
  /** Loads and reads under way. */
  readonly inFlight: number;
  /** Invalidations the second tier has not acknowledged yet. */
  readonly unsent: number;
  /** Gaps noticed on the bus. */
  readonly busGaps: number;
  /** ms the last heartbeat took to come back behind every message: how late invalidations arrive here. 0 without a bus. */
  readonly busLag: number;
  /** ms since every shard's bus was last proven alive, at most; L1 is not served beyond `maxStaleness`. 0 without a bus. */
  readonly heartbeatAge: number;
  readonly breaker: 'closed' | 'open';
  /** How often the breaker has opened. */
  readonly breakerOpenings: number;
  readonly locks: LockStats;
}

export function newStats(): CacheStats {
  return {
    hits: 0,
    l2Hits: 0,
    stale: 0,
    l2Stale: 0,
    negative: 0,
    l2Negative: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    loadMs: 0,
    savedMs: 0,
    joined: 0,
    waited: 0,
    fenceRejected: 0,
    fenceRefused: 0,
    refused: 0,
    stored: 0,
    invalidations: 0,
    evictions: 0,
    expired: 0,
    overtaken: 0,
    deleted: 0,
    replaced: 0,
    l2Bytes: 0,
    l2Errors: 0,
    distinctKeys: 0,
    unproven: 0,
  };
}
