import { markHandled } from '../background.js';
import { Chain } from '../coherence/chain.js';
import type { CacheRuntime } from '../cache-runtime.js';
import type { Engine } from '../engine.js';
import { LoadTimeoutError } from '../errors.js';
import { currentFlight, Flight, insideFlight, isInsideLoadOf, leaveFlight, type FlightCall } from './flight.js';
import { KeyTable } from '../coherence/key-table.js';
import { L1_MISS, type L1View } from './l1-view.js';
import type { Operation } from '../observer.js';
import { Loading } from './loading.js';
import type { Policy } from '../policy.js';
import { SharedRead } from './shared-read.js';

/** One lookup: what is asked for, and how it may be answered. */
export interface ReadCall extends FlightCall {
  readonly forceRefresh: boolean;
  readonly signal: AbortSignal | undefined;
  /** The invalidation sequence when the call began: it must not get what was loaded before and invalidated since. */
  readonly began: number;
}

/**
 * The read story, for every topology: L1, then a flight shared by all callers of the key: second tier, lease, loader; stale serving in
 * between. A missing tier is a step that finds nothing, not another story.
 */
export class ReadThrough {
  readonly #engine: Engine;
  readonly #l1: L1View;
  readonly #shared: SharedRead;
  readonly #loading: Loading;
  /** The flight of each key that newcomers may join. */
  readonly #flights = new KeyTable<Flight>();
  /** Every flight that has not ended, joinable or not. */
  readonly #live = new Chain<Flight>();

  constructor(engine: Engine, l1: L1View) {
    const end = (flight: Flight): void => this.#end(flight);
    this.#engine = engine;
    this.#l1 = l1;
    this.#loading = new Loading(engine, l1, end);
    this.#shared = new SharedRead(engine, l1, this.#loading, end);
  }

  get inFlight(): number {
    return this.#live.size;
  }

  /** Aborts every load still running, and answers whoever waits: the engine is closing. */
  abortAll(reason: unknown): void {
    for (const flight of this.#live.members()) {
      this.#abort(flight, reason);
    }
  }

  /** The signal alone reaches only a running loader; a flight that waits for a lease or a place must answer as well. */
  #abort(flight: Flight, reason: unknown): void {
    if (!flight.landed) {
      flight.abort(reason);
      this.#loading.failed(flight, reason);
    }
  }

  read(call: ReadCall): Promise<unknown> {
    return this.#read(call, this.#engine.observer.around !== undefined);
  }

  #read(call: ReadCall, observed: boolean): Promise<unknown> {
    const { runtime, key } = call;
    if (call.load !== undefined && isInsideLoadOf(runtime, key)) {
      return this.#runAlone(call);
    }
    const found = call.forceRefresh ? L1_MISS : this.#l1.look(runtime, key, call.policy, call.part);
    if (found.fresh !== undefined) {
      runtime.stats.hits++;
      const negative = found.fresh.stored == null;
      runtime.stats.negative += negative ? 1 : 0;
      this.#engine.observer.lookup?.(runtime.name, negative ? 'negative' : 'hit', 'l1', key);
      if (found.refreshDue && call.load !== undefined) {
        this.#refresh(call, { ...found, candidate: found.fresh });
      }
      return answer(runtime, found.fresh.stored);
    }
    const { candidate } = found;
    if (candidate !== undefined && this.#answersStaleAtOnce(call)) {
      runtime.stats.stale++;
      this.#engine.observer.lookup?.(runtime.name, 'stale', 'l1', key);
      if (call.load !== undefined) {
        this.#refresh(call, found);
      }
      return answer(runtime, candidate.stored);
    }
    if (call.signal?.aborted === true) {
      return Promise.reject(call.signal.reason as Error);
    }
    const joined = this.#join(call);
    if (joined === 'deadlock') {
      return this.#runAlone(call);
    }
    return observed
      ? this.#observed(call, found, joined)
      : this.#take(call, joined ?? this.#open(call, found, false), joined !== undefined);
  }

  #take(call: ReadCall, flight: Flight, joined: boolean): Promise<unknown> {
    const result = this.#await(call, flight, joined);
    return call.signal === undefined ? leaveOpen(flight, result) : withSignal(flight, result, call.signal);
  }

  /** The same inside an operation. The flight is opened in there, so that its load and calls of the second tier belong to it. */
  #observed(call: ReadCall, found: ReturnType<L1View['look']>, joined: Flight | undefined): Promise<unknown> {
    const operation: Operation = { kind: 'read', cache: call.runtime.name, key: call.key };
    let late = false;
    const result = this.#engine.observer.around!(operation, () => {
      // The observer took its time: somebody else may have loaded meanwhile, or be about to.
      if (late && joined === undefined) {
        return this.#read(call, false);
      }
      const flight = joined ?? this.#open(call, found, false);
      const taken = this.#take(call, flight, joined !== undefined);
      const ended = (): void => {
        operation.outcome = joined === undefined ? outcomeOf(flight) : 'joined';
      };
      return taken.finally(ended);
    });
    late = true;
    return result;
  }

  /** Whether a stale copy answers without waiting for anything. */
  #answersStaleAtOnce(call: ReadCall): boolean {
    if (call.load === undefined) {
      // Nobody here refreshes it, but another instance may have.
      return this.#engine.tier === undefined || !call.policy.useL2;
    }
    if (call.policy.softTimeout === undefined || this.#isPaused(call)) {
      return true;
    }
    // Somebody has waited for `softTimeout` already, and that load goes on. Not `settled`: 1 a flight waits for a lease, 2 its read finds a
    // fresh entry, settles, and L1 refuses the copy (a tag was expired since), 3 before the flight has ended a caller comes and finds the
    // stale copy in L1: nobody has waited for it yet.
    return this.#underWay(call.key)?.servedStale === true;
  }

  #isPaused(call: ReadCall): boolean {
    return call.runtime.backoff.isPaused(call.key, this.#engine.clock.now());
  }

  /** Starts a refresh nobody waits for, unless one is under way or a failed one told us to pause. */
  #refresh(call: ReadCall, found: ReturnType<L1View['look']>): void {
    if (this.#underWay(call.key) === undefined && !this.#isPaused(call)) {
      this.#open(call, found, true);
    }
  }

  /** The flight of a key that may still answer newcomers. */
  #underWay(key: string): Flight | undefined {
    const flight = this.#flights.get(key);
    // A read that starts after an invalidation never joins a flight that started before it.
    return flight === undefined || flight.aborted || flight.landed || this.#isOverrun(flight) ? undefined : flight;
  }

  /** Whether an invalidation that is known to mean its key came after its start: by the key, the cache, the tenant or a fixed tag. */
  #isOverrun({ fence, runtime, key }: Flight): boolean {
    const { ledger } = this.#engine.coherence;
    if (fence.overtaken || !fence.armed || fence.sequence >= ledger.sequence) {
      return fence.overtaken;
    }
    const { tags } = runtime.definition;
    const fixed = Array.isArray(tags) ? tags : undefined;
    return ledger.judge(fence.sequence, fence.shard, runtime.implicitTags(key), fixed) !== 'valid';
  }

  #join(call: ReadCall): Flight | 'deadlock' | undefined {
    if (call.forceRefresh || !isShareable(call)) {
      return undefined;
    }
    const flight = this.#underWay(call.key);
    // Settled, but under way: it has answered stale and refreshes. 1 it answers, 2 a tag is deleted, 3 a caller comes: what it would get
    // is older than 2.
    if (flight === undefined || flight.settled) {
      return undefined;
    }
    const current = currentFlight();
    if (current !== undefined && flight.waitsFor(current)) {
      return 'deadlock';
    }
    call.runtime.stats.joined++;
    if (this.#mayShare(flight, call.policy)) {
      return flight;
    }
    // An answer that was already asked for may be older than an invalidation acknowledged before this call: one successor answers
    // everyone who came too late.
    if (flight.successor === undefined || flight.successor.aborted) {
      const successor = this.#create(call, L1_MISS, false);
      flight.successor = successor;
      successor.blockOn(flight);
      flight.whenEnded(() => {
        if (successor.aborted) {
          this.#end(successor);
        } else {
          this.#flights.set(call.key, successor);
          successor.scope.runInAsyncScope(() => this.#start(successor));
        }
      });
    }
    return flight.successor;
  }

  /** Whether a caller who starts now may get this flight's answer: while nothing was sent, or if nothing can have overtaken it unseen. */
  #mayShare(flight: Flight, policy: Policy): boolean {
    if (flight.phase === 'queued' || flight.phase === 'waiting') {
      return true;
    }
    const coherent = policy.consistency === 'coherent' && this.#engine.tier !== undefined;
    return !coherent && this.#engine.coherence.isShareable(flight.fence);
  }

  #open(call: ReadCall, found: ReturnType<L1View['look']>, background: boolean): Flight {
    const flight = this.#create(call, found, background);
    if (isShareable(call) && this.#underWay(call.key)?.settled !== false) {
      this.#flights.set(call.key, flight);
    }
    if (!background) {
      // Seen by whoever would join the outer flight from inside this one; now, for the loader may start at once.
      flight.parent?.blockOn(flight);
    }
    this.#start(flight);
    return flight;
  }

  #create(call: ReadCall, found: ReturnType<L1View['look']>, background: boolean): Flight {
    const { coherence } = this.#engine;
    const flight = new Flight(call, coherence.shardOf(call.key));
    call.runtime.distinct.add(call.key);
    flight.force = call.forceRefresh;
    flight.background = background;
    flight.candidate = found.candidate;
    flight.known = found.known;
    flight.ahead = found.refreshDue === true;
    if (background) {
      flight.waiters = Infinity;
      markHandled(flight.promise);
    }
    if (call.member !== undefined) {
      call.member.opened();
      flight.whenEnded(() => call.member!.leaves());
    }
    this.#live.add(flight);
    coherence.fences.open(flight.fence);
    return flight;
  }

  #start(flight: Flight): void {
    const { hardTimeout } = flight.policy;
    if (hardTimeout !== undefined && flight.load !== undefined) {
      const timer = this.#engine.clock.setTimeout(() => {
        this.#abort(
          flight,
          new LoadTimeoutError(
            `cache "${flight.runtime.name}": the load took longer than hardTimeout (${hardTimeout} ms); its signal has been aborted`,
          ),
        );
      }, hardTimeout);
      flight.whenEnded(() => this.#engine.clock.clearTimeout(timer));
    }
    this.#shared.start(flight);
  }

  #end(flight: Flight): void {
    if (flight.phase === 'ended') {
      return;
    }
    this.#live.remove(flight);
    this.#engine.coherence.fences.close(flight.fence);
    this.#flights.delete(flight.key, flight);
    flight.end();
  }

  /** The answer of a flight for one caller; for one that joined, an own copy, and only if it is not older than the caller allows. */
  #await(call: ReadCall, flight: Flight, joined: boolean): Promise<unknown> {
    if (!joined) {
      return flight.promise;
    }
    currentFlight()?.blockOn(flight);
    return flight.promise.then(
      () => (this.#isOvertaken(call, flight) ? this.read(call) : flight.copy()),
      (error: unknown) => {
        if (this.#isOvertaken(call, flight)) {
          return this.read(call);
        }
        throw error;
      },
    );
  }

  /** Whether the answer of a flight that a caller joined is older than an invalidation that came before the caller. */
  #isOvertaken(call: ReadCall, flight: Flight): boolean {
    if (flight.resultSequence >= call.began) {
      return false;
    }
    const implicit = call.runtime.implicitTags(call.key);
    const { ledger } = this.#engine.coherence;
    // A raw answer or an error has no tags: any of the invalidations may have meant it.
    return (
      flight.raw || ledger.judge(flight.resultSequence, flight.fence.shard, implicit, flight.resultTags) !== 'valid'
    );
  }

  /** A load that needs its own result: it runs without the cache, and is not stored. */
  async #runAlone(call: ReadCall): Promise<unknown> {
    const flight = new Flight(call, 0);
    call.runtime.stats.loads++;
    try {
      return await insideFlight(flight, call.load!, this.#loading.contextOf(flight));
    } finally {
      flight.landed = true;
      leaveFlight();
    }
  }
}

/** A flight without a loader, or that may not use every tier, must not answer others. */
function isShareable({ load, policy }: ReadCall): boolean {
  return load !== undefined && policy.useL1 && policy.useL2;
}

function outcomeOf({ servedStale, landed, raw }: Flight): string {
  return servedStale ? 'stale' : landed ? 'load' : raw ? 'miss' : 'hit';
}

function answer(runtime: CacheRuntime, stored: unknown): Promise<unknown> {
  try {
    return Promise.resolve(runtime.open(stored));
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function leaveOpen(flight: Flight, result: Promise<unknown>): Promise<unknown> {
  flight.waiters = Infinity;
  return result;
}

/** The caller may leave; when the last one has left, the load is aborted. */
function withSignal(flight: Flight, result: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  flight.waiters++;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
      if (--flight.waiters === 0) {
        flight.abort(signal.reason);
      }
    };
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener('abort', onAbort, { once: true });
    }
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
