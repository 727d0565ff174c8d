import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
// Imported: a test that fakes the timers of its process has no say in this one.
import { setImmediate } from 'node:timers';
import type { CacheRuntime } from '../cache-runtime.js';
import type { Linked } from '../coherence/chain.js';
import { Fence } from '../coherence/fence.js';
import type { TierName } from '../observer.js';
import type { Policy } from '../policy.js';

/** A stale value that may answer while, or instead of, a load. */
export interface Candidate {
  /** As stored: plain, or boxed. */
  readonly stored: unknown;
  readonly createdAt: number;
  readonly staleAt: number;
  readonly goneAt: number;
  /** The invalidation sequence up to which it is known to be not gone. */
  readonly sequence: number;
  readonly tags: readonly string[] | undefined;
  readonly tier: TierName;
}

/** The loader of one call, with its key arguments bound. */
export type BoundLoader = (context: any) => unknown;

/** What a flight takes over from the call that opens it. */
export interface FlightCall {
  readonly runtime: CacheRuntime;
  readonly key: string;
  /** The key as the caller said it, where it is one string or one number. */
  readonly part?: string | number | undefined;
  readonly args: readonly unknown[];
  readonly policy: Policy;
  readonly load: BoundLoader | undefined;
  /** The place of this key in a batch that loads its misses together. */
  readonly member?: FlightMember | undefined;
}

/** What a batch wants to know of the flights of its keys. */
export interface FlightMember {
  /** A flight was opened for the key: its loader may be called. (Not called when the key was answered or joined another flight.) */
  opened(): void;
  /** The flight waits for somebody else's load, or has ended: the batch need not wait for it. */
  leaves(): void;
}

/**
 * `queued`: nothing was sent yet. `reading`: the second tier was asked. `waiting`: somebody else's load is awaited.
 * `loading`: the loader runs. `ended`: nothing more will come of it.
 */
export type FlightPhase = 'queued' | 'reading' | 'waiting' | 'loading' | 'ended';

/** What an aborted flight gives up at once. */
export interface Interruptible {
  interrupt(reason: unknown): void;
}

/** One attempt to get the value of one key, shared by all callers that may share it. */
export class Flight implements Linked<Flight> {
  /** Its neighbours among the flights that have not ended. */
  previous: Flight | undefined;
  next: Flight | undefined;
  readonly runtime: CacheRuntime;
  readonly key: string;
  readonly part: string | number | undefined;
  readonly policy: Policy;
  /** The key arguments of the caller who opened it. */
  readonly args: readonly unknown[];
  readonly load: BoundLoader | undefined;
  readonly member: FlightMember | undefined;
  readonly fence: Fence;
  /** The flight inside whose loader this one was started. */
  readonly parent: Flight | undefined;
  /** Flights this one's loader is waiting for: a circle here would be a deadlock. */
  #blockedOn: Set<Flight> | undefined;
  /**
   * The async context of the caller who opened it. Answers of one round trip arrive in the context of whoever sent it: without this the
   * loader of one user would run as another, with their tenant, transaction and trace.
   */
  readonly scope = new AsyncResource('strata.flight');
  readonly promise: Promise<unknown>;
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;

  phase: FlightPhase = 'queued';
  candidate: Candidate | undefined;
  /** What L1 held when the flight began: the second tier may answer "the same". */
  known: { readonly id: string; readonly stored: unknown } | undefined;
  force = false;
  background = false;
  /** Opened to reload a value that is still fresh. */
  ahead = false;
  /** The monotonic instant at which the second tier was asked: ages in its answer count from here, however late it arrives. */
  sentAt = 0;
  settled = false;
  /** Its callers were answered with a stale value, and the load goes on. */
  servedStale = false;
  /** Somebody else's load was waited for. */
  waited = false;
  /** The load has ended: whoever comes now finds its value in a tier, or loads anew. */
  landed = false;
  /** The load ended without a value. */
  failed = false;
  /** What the callers get, as stored; `raw` values are handed out as they are. */
  result: unknown;
  raw = false;
  /** Tags of the result, to judge whether a later caller may accept it. */
  resultTags: readonly string[] | undefined;
  /** The invalidation sequence the answer is as new as. Kept apart from the fence: a refresh behind a stale answer arms that anew. */
  resultSequence = Infinity;
  /** Callers that still want the answer; at 0 a foreground load is aborted. `Infinity` once somebody cannot leave. */
  waiters = 0;
  /** In coherent mode: the flight that answers whoever came too late for this one. */
  successor: Flight | undefined;
  #onEnd: (() => void)[] | undefined;
  /** Nobody wants the answer any more, it took too long, or the engine closes. */
  aborted = false;
  abortReason: unknown;
  #controller: AbortController | undefined;
  /** The load that runs for it. */
  running: Interruptible | undefined;

  constructor(call: FlightCall, shard: number) {
    this.runtime = call.runtime;
    this.key = call.key;
    this.part = call.part;
    this.policy = call.policy;
    this.args = call.args;
    this.load = call.load;
    this.member = call.member;
    this.fence = new Fence(call.key, shard);
    this.parent = currentFlight();
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** For the loader; made when it asks: a signal and its listeners take longer than all else of a load. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) {
        this.#controller.abort(this.abortReason);
      }
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    if (!this.aborted) {
      this.aborted = true;
      this.abortReason = reason;
      this.#controller?.abort(reason);
      this.running?.interrupt(reason);
    }
  }

  settle(stored: unknown, raw: boolean, sequence = this.#armedAt()): void {
    if (!this.settled) {
      this.settled = true;
      this.resultSequence = sequence;
      this.result = stored;
      this.raw = raw;
      try {
        this.resolve(this.copy());
      } catch (error) {
        // A remembered "not found", or a fault of the user's own `hydrate`.
        this.reject(error);
      }
    }
  }

  /** The answer for one caller: whoever shares a flight does not share an instance that may be changed. */
  copy(): unknown {
    return this.raw ? this.result : this.runtime.open(this.result);
  }

  fail(error: unknown): void {
    if (!this.settled) {
      this.settled = true;
      // An error names no tags, like a raw answer.
      this.raw = true;
      this.resultSequence = this.#armedAt();
      this.reject(error);
    }
  }

  /** What has not begun yet cannot be overtaken. */
  #armedAt(): number {
    return this.fence.armed ? this.fence.sequence : Infinity;
  }

  /** Whether waiting for this flight from inside `waiter`'s loader would close a circle. */
  waitsFor(waiter: Flight): boolean {
    if (this === waiter) {
      return true;
    }
    for (const next of this.#blockedOn ?? []) {
      if (next.waitsFor(waiter)) {
        return true;
      }
    }
    return false;
  }

  /** Until `other` ends. */
  blockOn(other: Flight): void {
    (this.#blockedOn ??= new Set()).add(other);
    other.whenEnded(() => this.#blockedOn?.delete(other));
  }

  whenEnded(run: () => void): void {
    (this.#onEnd ??= []).push(run);
  }

  /** Nothing more will come of it. */
  end(): void {
    this.phase = 'ended';
    for (const run of this.#onEnd ?? []) {
      run();
    }
  }
}

const loading = new AsyncLocalStorage<Flight>();
/** Loaders that have been called and have not ended. */
let running = 0;
let leaving = false;

/**
 * The flight whose loader is calling, if any. One whose load has ended does not count: timers and pools that a loader started keep its context
 * for ever, and would otherwise be inside that load for ever.
 */
export function currentFlight(): Flight | undefined {
  // No loader runs, so nobody is inside of one: looking would take longer than finding an entry.
  let flight = running === 0 ? undefined : loading.getStore();
  while (flight?.landed === true) {
    flight = flight.parent;
  }
  return flight;
}

/**
 * Calls a loader so that what it reads knows where it is; `leaveFlight` is called when the load has ended.
 *
 * Before Node 24 an AsyncLocalStorage in use makes every promise of the process about twice as expensive, so it is switched off again when no
 * loader runs. Not at once: switching it off and on takes as long as a whole load, so all loads of one turn of the event loop share it.
 */
export function insideFlight<Args extends unknown[], T>(flight: Flight, run: (...args: Args) => T, ...args: Args): T {
  running++;
  return loading.run(flight, run, ...args);
}

export function leaveFlight(): void {
  if (--running === 0 && !leaving) {
    leaving = true;
    setImmediate(switchOff);
  }
}

function switchOff(): void {
  leaving = false;
  if (running === 0) {
    loading.disable();
  }
}

/** Whether the caller runs inside a load of this very key of this engine: joining or leasing would wait for itself. */
export function isInsideLoadOf(runtime: CacheRuntime, key: string): boolean {
  for (let flight = currentFlight(); flight !== undefined; flight = flight.parent) {
    if (flight.key === key && flight.runtime === runtime && !flight.landed) {
      return true;
    }
  }
  return false;
}
