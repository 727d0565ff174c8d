import { duration, type Duration } from '../duration.js';
import type { LoadContext, StaleEntry } from '../definition.js';
import { insideFlight, type Flight } from './flight.js';
import type { CacheRuntime } from '../cache-runtime.js';
import type { Clock } from '../clock/clock.js';
import type { Observer } from '../observer.js';
import { checkTags } from '../key.js';

/** What a loader said about storing its value. */
export interface LoadWishes {
  skipped: boolean;
  ttl: number | undefined;
  tags: readonly string[] | undefined;
}

/** The context of one load. The signal is only made when somebody asks for it. */
export class Context implements LoadContext<unknown>, LoadWishes {
  skipped = false;
  ttl: number | undefined;
  tags: readonly string[] | undefined;
  readonly #flight: Flight;
  readonly #clock: Clock;

  constructor(flight: Flight, clock: Clock) {
    this.#flight = flight;
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#flight.signal;
  }

  get stale(): StaleEntry<unknown> | undefined {
    const { candidate, runtime } = this.#flight;
    return candidate === undefined
      ? undefined
      : { value: runtime.open(candidate.stored), age: this.#clock.now() - candidate.createdAt };
  }

  skip(): void {
    this.skipped = true;
  }

  setTtl(ttl: Duration): void {
    this.ttl = duration(ttl, `cache "${this.#flight.runtime.name}": setTtl`);
  }

  addTags(tags: readonly string[]): void {
    checkTags(tags, `cache "${this.#flight.runtime.name}": addTags`);
    this.tags = this.tags === undefined ? tags : [...this.tags, ...tags];
  }
}

/**
 * Runs the loader of a flight once a place is free. `onStart` is called at the very moment it starts.
 * The loader's own error passes through untouched; an aborted flight rejects at once, whatever the loader still does.
 */
export async function runLoader(
  flight: Flight,
  clock: Clock,
  observer: Observer,
  onStart: () => void,
): Promise<{ value: unknown; wishes: LoadWishes }> {
  const { runtime } = flight;
  // A batch takes one place for all its keys.
  const queues = flight.member === undefined && mayQueue(runtime, flight.parent);
  const place = queues ? runtime.limiter.enter() : undefined;
  if (place !== undefined) {
    await place;
  }
  try {
    if (flight.aborted) {
      throw flight.abortReason;
    }
    onStart();
    const wishes = new Context(flight, clock);
    runtime.stats.loads++;
    const startedAt = clock.now();
    const run = (): Promise<unknown> => insideFlight(flight, async () => flight.load!(wishes));
    let ok = false;
    try {
      const value = await flight.unlessAborted(observer.around === undefined ? run() : observed(flight, observer, run));
      ok = true;
      return { value, wishes };
    } finally {
      const ms = clock.now() - startedAt;
      runtime.timeLoad(ms);
      observer.timed?.('load', ms, runtime.name, '', ok);
    }
  } finally {
    if (queues) {
      runtime.limiter.leave();
    }
  }
}

function observed(flight: Flight, observer: Observer, run: () => Promise<unknown>): Promise<unknown> {
  const { runtime, key, background } = flight;
  return observer.around!({ kind: 'load', cache: runtime.name, key, background }, run);
}

/**
 * Whether a load may wait for a place of its cache. Inside a load of the same cache it would wait for its own parent; and where loads of two
 * caches nest both ways, each could hold the last place of one and wait for the other's.
 * 1 a load of X takes X's last place, 2 a load of Y takes Y's, 3 the first one loads from Y and waits, 4 the second one loads from X: it has
 * seen 3, and does not wait.
 */
export function mayQueue(runtime: CacheRuntime, parent: Flight | undefined): boolean {
  let may = true;
  for (let outer = parent; outer !== undefined; outer = outer.parent) {
    runtime.nestedIn.add(outer.runtime);
    may &&= outer.runtime !== runtime && !isNestedIn(outer.runtime, runtime, new Set());
  }
  return may;
}

function isNestedIn(inner: CacheRuntime, outer: CacheRuntime, seen: Set<CacheRuntime>): boolean {
  seen.add(inner);
  for (const next of inner.nestedIn) {
    if (next === outer || (!seen.has(next) && isNestedIn(next, outer, seen))) {
      return true;
    }
  }
  return false;
}
