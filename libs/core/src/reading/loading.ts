import type { CacheRuntime } from '../cache-runtime.js';
import type { Engine } from '../engine.js';
import { newEntryId } from './entry-id.js';
import { encodeRecord, type Entry } from './entry-codec.js';
import { SerializationError } from '../errors.js';
import type { FillRight } from './fill-right.js';
import type { Candidate, Flight } from './flight.js';
import type { L1View } from './l1-view.js';
import { Context, Load, type Landing } from './load.js';
import { writeError } from './shared-errors.js';

/** The end of the read story: run the loader, answer, store in L1 and, behind the answer, in the second tier. */
export class Loading implements Landing {
  readonly #engine: Engine;
  readonly #l1: L1View;
  readonly #end: (flight: Flight) => void;

  constructor(engine: Engine, l1: L1View, end: (flight: Flight) => void) {
    this.#engine = engine;
    this.#l1 = l1;
    this.#end = end;
  }

  contextOf(flight: Flight): Context {
    return new Context(flight, this.#engine.clock);
  }

  /** Starts the load of a flight, which ends with it. */
  run(flight: Flight, right: FillRight | undefined, mayStore: boolean): void {
    this.#engine.background.enter();
    new Load(this.#engine, flight, right, mayStore, this).start();
  }

  loaded(load: Load, value: unknown): void {
    try {
      if (this.#take(load, value)) {
        return;
      }
    } catch (error) {
      this.crashed(load, error);
      return;
    }
    this.#over(load);
  }

  crashed(load: Load, error: unknown): void {
    const { flight, right } = load;
    // Aborted: nobody here wants it any more. That is no end of the load, the next one takes it over.
    right?.release(flight.aborted ? undefined : writeError(flight.runtime, error, this.#engine.observer));
    this.failed(flight, error);
    this.#over(load);
  }

  #over({ flight }: Load): void {
    this.#end(flight);
    this.#engine.background.leave();
  }

  /** A load ended without a value. */
  failed(flight: Flight, error: unknown): void {
    flight.runtime.stats.loadErrors += flight.failed ? 0 : 1;
    this.told(flight, error);
  }

  /** The load of this or, as we are told, of another instance has failed: a stale value answers if it may, otherwise the error does. */
  told(flight: Flight, error: unknown): void {
    const { runtime, key, candidate } = flight;
    if (flight.failed) {
      return;
    }
    flight.failed = true;
    flight.landed = true;
    if (this.#rememberError(flight, error)) {
      flight.fail(error);
      return;
    }
    if (candidate !== undefined && this.isUsable(flight, candidate)) {
      runtime.backoff.failed(key, this.#engine.clock.now());
      this.settleStale(flight, candidate);
    } else {
      flight.fail(error);
    }
  }

  /** Whether a stale value may still answer: within grace, and not hard-invalidated meanwhile. */
  isUsable(flight: Flight, candidate: Candidate): boolean {
    const { ledger } = this.#engine.coherence;
    return (
      !flight.fence.deleted &&
      this.#engine.clock.now() < candidate.goneAt &&
      ledger.judge(candidate.sequence, flight.fence.shard, flight.runtime.implicitTags(flight.key), candidate.tags) !==
        'gone'
    );
  }

  settleStale(flight: Flight, candidate: Candidate): void {
    if (!flight.settled && !flight.background) {
      const { name, stats } = flight.runtime;
      stats.stale++;
      stats.l2Stale += candidate.tier === 'l2' ? 1 : 0;
      this.#engine.observer.lookup?.(name, 'stale', candidate.tier, flight.key);
    }
    if (!flight.settled) {
      flight.servedStale = true;
      flight.resultTags = candidate.tags;
    }
    flight.settle(candidate.stored, false, candidate.sequence);
  }

  /** Answers and stores; true when the second tier is still being filled. */
  #take(load: Load, value: unknown): boolean {
    const { flight, right } = load;
    const { runtime, key, policy, fence } = flight;
    flight.landed = true;
    runtime.backoff.succeeded(key);
    const entry = load.mayStore ? this.#prepare(load, value) : undefined;
    if (entry === undefined) {
      right?.release('');
      flight.settle(value, true);
      return false;
    }
    flight.resultTags = entry.tags;
    const id = right === undefined ? '' : newEntryId();
    const { bytes, tags, life } = entry;
    const copy = { stored: entry.stored, bytes, tags, id, part: flight.part };
    const stored = this.#l1.store(runtime, fence, policy, copy, life);
    const overtaken = fence.broken !== undefined || this.#isOvertaken(flight, entry.tags);
    if (!overtaken) {
      this.#engine.coherence.fences.supersede(fence);
    }
    // Before anything is awaited: storing never delays the answer.
    flight.settle(entry.stored, false);
    if (overtaken) {
      runtime.stats.fenceRejected++;
      right?.release();
      return false;
    }
    runtime.stats.stored += stored || right !== undefined ? 1 : 0;
    if (right === undefined) {
      return false;
    }
    this.#engine.background.run('l2.fill', () => this.#fill(load, right, id, entry));
    return true;
  }

  #isOvertaken(flight: Flight, tags: readonly string[] | undefined): boolean {
    const { ledger } = this.#engine.coherence;
    const { sequence, shard } = flight.fence;
    return ledger.judge(sequence, shard, flight.runtime.implicitTags(flight.key), tags) !== 'valid';
  }

  async #fill(load: Load, right: FillRight, id: string, entry: Entry): Promise<void> {
    const { runtime, key } = load.flight;
    try {
      const record = await encodeRecord(runtime, key, id, entry);
      if (await right.fill(record, false)) {
        runtime.stats.l2Bytes += record.payload.length;
      } else {
        runtime.stats.fenceRejected++;
        runtime.stats.fenceRefused++;
        // An invalidation whose message has not arrived here yet.
        this.#l1.dropIf(key, id);
      }
    } catch (error) {
      right.release('');
      runtime.stats.l2Errors++;
      this.#engine.observer.notice?.({ level: 'debug', name: 'l2.fill', cache: runtime.name, message: String(error) });
    } finally {
      this.#over(load);
    }
  }

  /** Undefined when the value is not to be stored. A fault in `tags` or a value without a stored form never fails the method. */
  #prepare({ flight, wishes, endedAt }: Load, value: unknown): Entry | undefined {
    const { runtime, policy } = flight;
    if (wishes.skipped || (value === undefined && policy.negativeTtl === undefined)) {
      return undefined;
    }
    try {
      const storable = runtime.toStored(value);
      if (!storable.ok) {
        runtime.refuse(storable.path, storable.reason);
        return undefined;
      }
      const tags = runtime.tagsOf(value, flight.args, policy.tags, wishes.tags);
      const life = runtime.lifetime(value, policy, endedAt, wishes.ttl);
      // Member by member: a spread of what may have two shapes costs a microsecond.
      const { stored, value: plain, bytes } = storable;
      return { ok: true, stored, value: plain, bytes, plain: storable.plain, tags, life };
    } catch (error) {
      runtime.refuse(error instanceof SerializationError ? error.path : 'tags', (error as Error).message);
      return undefined;
    }
  }

  /** A thrown "not found" is remembered in this process only: an error has no wire form. */
  #rememberError(flight: Flight, error: unknown): boolean {
    const { runtime, policy, fence } = flight;
    if (policy.negativeTtl === undefined || !this.#isNegative(runtime, error)) {
      return false;
    }
    const life = { createdAt: this.#engine.clock.now(), freshFor: runtime.jittered(policy.negativeTtl), graceFor: 0 };
    const fixed = runtime.tagsOf(undefined, flight.args, policy.tags);
    this.#l1.store(
      runtime,
      fence,
      policy,
      { stored: runtime.box(error, 'error'), bytes: 256, tags: fixed, id: '' },
      life,
    );
    return true;
  }

  /** A predicate that fails on an error it did not expect (`throw undefined`) says no: the callers are answered all the same. */
  #isNegative({ name, definition }: CacheRuntime, error: unknown): boolean {
    try {
      return definition.negativeErrors?.(error) === true;
    } catch (fault) {
      const message = `cache "${name}": negativeErrors threw; ${String(fault)}`;
      this.#engine.observer.notice?.({ level: 'warn', name: 'load.negativeErrors', cache: name, message });
      return false;
    }
  }
}
