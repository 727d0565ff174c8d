import { duration, type Duration } from '../duration.js';
import type { LoadContext, StaleEntry } from '../definition.js';
import { insideFlight, leaveFlight, type Flight, type Interruptible } from './flight.js';
import type { CacheRuntime } from '../cache-runtime.js';
import type { Clock } from '../clock/clock.js';
import type { Engine } from '../engine.js';
import type { FillRight } from './fill-right.js';
import type { Operation } from '../observer.js';
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

/** What becomes of a load: called exactly once, never from within `start`. */
export interface Landing {
  loaded(load: Load, value: unknown): void;
  crashed(load: Load, error: unknown): void;
}

/**
 * One call of the loader of a flight, once a place is free. The loader's own error passes through untouched; an aborted flight ends at once,
 * whatever the loader still does. Callbacks instead of async functions: six of those took as long as all the rest of a miss.
 */
export class Load implements Interruptible {
  readonly flight: Flight;
  readonly right: FillRight | undefined;
  readonly mayStore: boolean;
  readonly wishes: Context;
  /** When it ended. */
  endedAt = 0;
  readonly #engine: Engine;
  readonly #landing: Landing;
  #queues = false;
  #startedAt = 0;
  #inside = false;
  #over = false;

  constructor(engine: Engine, flight: Flight, right: FillRight | undefined, mayStore: boolean, landing: Landing) {
    this.#engine = engine;
    this.flight = flight;
    this.right = right;
    this.mayStore = mayStore;
    this.#landing = landing;
    this.wishes = new Context(flight, engine.clock);
  }

  start(): void {
    const { flight } = this;
    const { runtime } = flight;
    // A batch takes one place for all its keys.
    this.#queues = flight.member === undefined && mayQueue(runtime, flight.parent);
    if (!this.#queues || runtime.limiter.enter()) {
      this.#call();
    } else {
      // In its own caller's async context, not of whoever leaves.
      runtime.limiter.wait(() => flight.scope.runInAsyncScope(() => this.#call()));
    }
  }

  #call(): void {
    const { flight } = this;
    const { clock, coherence, observer } = this.#engine;
    if (flight.aborted) {
      this.#leave();
      this.#landing.crashed(this, flight.abortReason);
      return;
    }
    flight.phase = 'loading';
    flight.running = this;
    coherence.arm(flight.fence);
    flight.runtime.stats.loads++;
    this.#startedAt = clock.now();
    const result = observer.around === undefined ? this.#enter() : this.#observed();
    result.then(
      (value) => this.#ended(value),
      (error: unknown) => this.#failed(error),
    );
  }

  #enter(): Promise<unknown> {
    this.#inside = true;
    try {
      return Promise.resolve(insideFlight(this.flight, this.flight.load!, this.wishes));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #observed(): Promise<unknown> {
    const { runtime, key, background } = this.flight;
    const operation: Operation = { kind: 'load', cache: runtime.name, key, background };
    return this.#engine.observer.around!(operation, () => this.#enter());
  }

  #ended(value: unknown): void {
    this.#exit();
    if (!this.#over) {
      this.#end(true);
      this.#landing.loaded(this, value);
    }
  }

  #failed(error: unknown): void {
    this.#exit();
    this.interrupt(error);
  }

  #exit(): void {
    if (this.#inside) {
      leaveFlight();
    }
  }

  interrupt(reason: unknown): void {
    if (!this.#over) {
      this.#end(false);
      this.#landing.crashed(this, reason);
    }
  }

  #end(ok: boolean): void {
    const { clock, observer } = this.#engine;
    const { runtime } = this.flight;
    this.#over = true;
    this.endedAt = clock.now();
    const ms = this.endedAt - this.#startedAt;
    runtime.timeLoad(ms);
    observer.timed?.('load', ms, runtime.name, '', ok);
    this.#leave();
  }

  #leave(): void {
    if (this.#queues) {
      this.flight.runtime.limiter.leave();
    }
  }
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
