import type { Strata } from '@strata-cache/core';

/** Counters of a `CacheEventsModule`, since the application started. */
export interface EventStats {
  /** Calls of `emit`. */
  emitted: number;
  /** Taken by a broker; once for each when there are several, and again for an event sent twice. */
  accepted: number;
  /** Had to wait here because a broker was away. */
  queued: number;
  /** Lost because too many were waiting, or because the process ended. */
  overflowed: number;
  /** Arrived at the handlers, redelivered ones included. */
  received: number;
  /** Applied and acknowledged, those of this process included. */
  applied: number;
  /** Further attempts to apply one. */
  retried: number;
  /** Given up after all attempts and handed to `onFailure` or the broker's dead letters. */
  failed: number;
  /** Given back to the broker because the second tier stayed away. */
  returned: number;
  /** Applied here while the second tier did not acknowledge; the engine keeps the invalidation. */
  unacknowledged: number;
  /** Dropped, wholly or for one cache, because nobody can read it. */
  malformed: number;
  /** Dropped because of its size. */
  oversized: number;
  /** Times the memory of this instance was dropped because a transport had been away. */
  cleared: number;
}

/** What happened to events that leave; the others are about events that arrive. */
const OUTWARD: ReadonlySet<keyof EventStats> = new Set(['emitted', 'accepted', 'queued', 'overflowed']);

/** Keeps the counters, and has the engine count along, under `events` with direction and outcome as labels. */
export class EventTally {
  readonly counters: EventStats = {
    emitted: 0,
    accepted: 0,
    queued: 0,
    overflowed: 0,
    received: 0,
    applied: 0,
    retried: 0,
    failed: 0,
    returned: 0,
    unacknowledged: 0,
    malformed: 0,
    oversized: 0,
    cleared: 0,
  };
  readonly #strata: Strata | undefined;

  constructor(strata: Strata | undefined) {
    this.#strata = strata;
  }

  add(outcome: keyof EventStats): void {
    this.counters[outcome]++;
    this.#strata?.count('events', [OUTWARD.has(outcome) ? 'out' : 'in', outcome]);
  }
}
