/** Plain counters of one cache since the engine was created. */
export interface CacheStats {
  /** Lookups answered fresh from L1. */
  hits: number;
  /** Lookups answered fresh from the second tier. */
  l2Hits: number;
  /** Lookups answered with a stale value. */
  stale: number;
  /** Of the hits, those that remember a "not found". */
  negative: number;
  /** Lookups that found nothing usable. */
  misses: number;
  /** Loader executions that were started. */
  loads: number;
  loadErrors: number;
  /** Callers that shared a load or read already under way. */
  joined: number;
  /** Results that an invalidation overtook: returned, not stored. */
  fenceRejected: number;
  /** Results that were not stored because of their shape or size. */
  refused: number;
  /** Entries written. */
  stored: number;
  /** Keys deleted or expired, tags and clears counted once each. */
  invalidations: number;
  /** Entries that left L1 for lack of room. */
  evictions: number;
  /** Second-tier calls that failed or timed out. */
  l2Errors: number;
  /** Hits served past the staleness bound (`whenDisconnected: 'serve'`). */
  unproven: number;
}

export function newStats(): CacheStats {
  return {
    hits: 0,
    l2Hits: 0,
    stale: 0,
    negative: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    joined: 0,
    fenceRejected: 0,
    refused: 0,
    stored: 0,
    invalidations: 0,
    evictions: 0,
    l2Errors: 0,
    unproven: 0,
  };
}
