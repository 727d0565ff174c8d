import type { CacheRuntime } from './cache-runtime.js';
import type { InvalidationMode } from './definition.js';
import type { BusEvent } from './bus/bus.js';
import type { Engine } from './engine.js';
import { encodeRecord, type Entry } from './reading/entry-codec.js';
import { newEntryId } from './reading/entry-id.js';
import { SerializationError, TierError } from './errors.js';
import { Fence } from './coherence/fence.js';
import { FillRight, LEASE_TTL } from './reading/fill-right.js';
import type { L1View } from './reading/l1-view.js';
import type { Policy } from './policy.js';
import { WRITER_MARK } from './tiers/tier.js';
import { kindOf } from './tally.js';
import { sendEvent } from './tiers/send-event.js';
import type { VersionLedger } from './coherence/version-ledger.js';

/** `acknowledged: false`: the second tier could not be told; the invalidation is kept and sent before that tier is read again. */
export interface InvalidationResult {
  readonly acknowledged: boolean;
}

/** One write: what is stored where. */
export interface WriteCall {
  readonly runtime: CacheRuntime;
  readonly key: string;
  /** The key as the caller said it, where it is one string or number. */
  readonly part: string | number | undefined;
  readonly args: readonly unknown[];
  readonly policy: Policy;
}

/** Everything that changes what readers may see. Local effects come first and last; see {@link Writes.invalidate}. */
export class Writes {
  readonly #engine: Engine;
  readonly #l1: L1View;
  readonly #versions: VersionLedger;

  constructor(engine: Engine, l1: L1View, versions: VersionLedger) {
    this.#engine = engine;
    this.#l1 = l1;
    this.#versions = versions;
  }

  /**
   * Makes this process forget at once, then every other one.
   *
   * Why the local effect is applied twice: 1 we drop our copy, 2 a reader here misses and reads the old entry from the second tier,
   * 3 the tier deletes it and acknowledges, 4 the reader copies it to L1, 5 we resolve, 6 a later read here would hit the old value.
   * Applying the event again between 3 and 5 breaks the fence of 2 and drops what 4 stored.
   */
  invalidate(event: BusEvent, strict = this.#engine.strict ?? false): Promise<InvalidationResult> {
    const { observer } = this.#engine;
    const run = (): Promise<InvalidationResult> => this.#invalidate(event, strict);
    return observer.around === undefined ? run() : observer.around({ kind: 'invalidate', cache: '' }, run);
  }

  async #invalidate(event: BusEvent, strict: boolean): Promise<InvalidationResult> {
    const { coherence, tier, publish, observer, tally } = this.#engine;
    tally.add('invalidations', [kindOf(event), event.mode], namesIn(event));
    coherence.apply(event);
    if (tier === undefined) {
      await publish?.(event);
      observer.invalidated?.(event);
      return ACKNOWLEDGED;
    }
    try {
      await sendEvent(tier, event);
    } catch (error) {
      return this.#unacknowledged(strict, `an invalidation (${event.kind})`, error);
    } finally {
      coherence.apply(event);
    }
    observer.invalidated?.(event);
    return ACKNOWLEDGED;
  }

  #unacknowledged(strict: boolean, what: string, error: unknown): InvalidationResult {
    if (strict) {
      const message = `the second tier did not acknowledge ${what}; the invalidation is kept and sent before that tier is read again`;
      throw new TierError(message, error);
    }
    return UNACKNOWLEDGED;
  }

  #isStrict(runtime: CacheRuntime): boolean {
    return this.#engine.strict ?? runtime.policy.consistency === 'coherent';
  }

  invalidateKeys(runtime: CacheRuntime, keys: readonly string[], mode: InvalidationMode): Promise<InvalidationResult> {
    runtime.stats.invalidations += keys.length;
    if (keys.length === 0) {
      return Promise.resolve(ACKNOWLEDGED);
    }
    return this.invalidate({ kind: 'keys', keys, mode }, this.#isStrict(runtime));
  }

  /** Stores a value in order of arrival, or of `version`. @throws SerializationError when the value has no stored form */
  async set(call: WriteCall, value: unknown, version: number | undefined): Promise<InvalidationResult> {
    const { runtime, key } = call;
    const { coherence, tier } = this.#engine;
    const entry = this.#prepare(call, value, true);
    if (version !== undefined && tier === undefined && !this.#versions.admit(key, version)) {
      return ACKNOWLEDGED;
    }
    if (value === undefined && call.policy.negativeTtl === undefined && runtime.policy.negativeTtl === undefined) {
      // As for `put` and for loads: "not found" that nobody asked to remember is no entry.
      return this.invalidateKeys(runtime, [key], 'delete');
    }
    if (tier === undefined) {
      // Loads and puts under way began before this write: they are overtaken.
      coherence.invalidateKey(key, 'delete');
      runtime.stats.stored += this.#storeLocally(call, this.#fence(key), entry, '') ? 1 : 0;
      await this.#engine.publish?.({ kind: 'keys', keys: [key], mode: 'delete' });
      return ACKNOWLEDGED;
    }
    coherence.invalidateKey(key, 'delete');
    const fence = this.#fence(key);
    coherence.fences.open(fence);
    try {
      const id = newEntryId();
      const record = await encodeRecord(runtime, key, id, entry);
      const stored = await tier.put(key, record, version);
      runtime.stats.stored += stored ? 1 : 0;
      runtime.stats.l2Bytes += stored ? record.payload.length : 0;
      // As in `invalidate`: what was read from the tier before the put must not outlive it here.
      coherence.invalidateKey(key, 'delete', fence);
      if (stored) {
        this.#storeLocally(call, fence, entry, id);
      }
      return ACKNOWLEDGED;
    } catch (error) {
      if (error instanceof SerializationError) {
        throw error;
      }
      runtime.stats.l2Errors++;
      // The old value may still be there: it must go before the tier is read again. One deadline was waited for already.
      tier.postpone({ kind: 'keys', keys: [key], mode: 'delete' });
      coherence.invalidateKey(key, 'delete');
      return this.#unacknowledged(this.#isStrict(runtime), 'a write', error);
    } finally {
      coherence.fences.close(fence);
    }
  }

  /**
   * Runs `produce`, which changes the source, and stores what `select` takes from its result, unless an invalidation overtook it.
   * The fence and the lease are taken **before** it runs: a put that ends after a later change must not store. `undefined` from
   * `select`: the key is deleted instead, since its value has changed.
   */
  put<R>(call: WriteCall, produce: () => Promise<R>, select: (result: R) => unknown): Promise<R> {
    const { observer } = this.#engine;
    const run = (): Promise<R> => this.#put(call, produce, select);
    const { runtime, key } = call;
    return observer.around === undefined ? run() : observer.around({ kind: 'put', cache: runtime.name, key }, run);
  }

  async #put<R>(call: WriteCall, produce: () => Promise<R>, select: (result: R) => unknown): Promise<R> {
    const { coherence, observer } = this.#engine;
    const fence = this.#fence(call.key);
    coherence.fences.open(fence);
    try {
      const right = await this.#stealRight(call.key);
      let result: R;
      try {
        result = await produce();
      } catch (error) {
        releaseIf(right);
        throw error;
      }
      try {
        await this.#finishPut(call, fence, right, select(result));
      } catch (error) {
        // The method has succeeded: the cache may fail, the method may not.
        releaseIf(right);
        observer.notice?.({ level: 'warn', name: 'put', cache: call.runtime.name, message: String(error) });
      }
      return result;
    } finally {
      coherence.fences.close(fence);
    }
  }

  /**
   * Write hold (docs/protocol.md 4): while `run` changes the source, nothing is stored for the keys and readers go to the source.
   * A crash in between leaves no stale entry: the hold runs out by itself after `ttl` ms, which must exceed the transaction timeout.
   * @throws TierError before `run` is started, when the second tier did not take the hold
   */
  async withHold<R>(keys: readonly string[], run: () => Promise<R>, ttl: number): Promise<R> {
    const { coherence, tier, observer } = this.#engine;
    const token = newEntryId();
    const held = tier === undefined ? [] : keys;
    keys.forEach((key) => coherence.hold(key));
    try {
      coherence.apply({ kind: 'keys', keys, mode: 'delete' });
      try {
        await Promise.all(held.map((key) => tier!.hold(key, { token, ttl })));
      } catch (error) {
        await Promise.allSettled(held.map((key) => tier!.unhold(key, token)));
        throw new TierError('the second tier did not take the write hold; the method was not run', error);
      }
      coherence.apply({ kind: 'keys', keys, mode: 'delete' });
      return await run();
    } finally {
      // Twice, as in `invalidate`. A hold that could not be lifted runs out; the deletion is kept and sent later.
      coherence.apply({ kind: 'keys', keys, mode: 'delete' });
      for (const outcome of await Promise.allSettled(held.map((key) => tier!.unhold(key, token)))) {
        if (outcome.status === 'rejected') {
          observer.notice?.({ level: 'warn', name: 'hold', message: String(outcome.reason) });
        }
      }
      keys.forEach((key) => coherence.unhold(key));
      coherence.apply({ kind: 'keys', keys, mode: 'delete' });
    }
  }

  /** The right to fill, stolen from whoever is loading; `unreachable` when the tier did not answer. */
  async #stealRight(key: string): Promise<FillRight | 'none' | 'unreachable'> {
    const { tier, clock, background } = this.#engine;
    if (tier === undefined) {
      return 'none';
    }
    try {
      const token = WRITER_MARK + newEntryId();
      const reply = await tier.lease(key, { token, seen: '', ttl: LEASE_TTL, force: true });
      return reply.status === 'granted' ? new FillRight(tier, key, reply.lease, clock, background) : 'none';
    } catch {
      return 'unreachable';
    }
  }

  async #finishPut(
    call: WriteCall,
    fence: Fence,
    right: FillRight | 'none' | 'unreachable',
    value: unknown,
  ): Promise<void> {
    const { runtime, key } = call;
    const { coherence, tier, publish } = this.#engine;
    const entry = value === undefined ? undefined : this.#tryPrepare(call, value);
    const broken = fence.broken !== undefined;
    runtime.stats.fenceRejected += broken ? 1 : 0;
    // Loads under way may have read the source before the change; other puts may have changed it since.
    coherence.invalidateKey(key, 'delete', fence);
    const replaced: BusEvent = { kind: 'keys', keys: [key], mode: 'delete' };
    let reachable = right !== 'unreachable';
    if (entry !== undefined && !broken) {
      if (tier === undefined && this.#storeLocally(call, fence, entry, '')) {
        runtime.stats.stored++;
        await publish?.(replaced);
        return;
      }
      if (right instanceof FillRight) {
        const id = newEntryId();
        const record = await encodeRecord(runtime, key, id, entry);
        const filled = await right.fill(record, true).catch(() => undefined);
        runtime.stats.stored += filled === true ? 1 : 0;
        runtime.stats.l2Bytes += filled === true ? record.payload.length : 0;
        runtime.stats.fenceRejected += filled === false ? 1 : 0;
        runtime.stats.fenceRefused += filled === false ? 1 : 0;
        coherence.invalidateKey(key, 'delete', fence);
        if (filled === true) {
          this.#storeLocally(call, fence, entry, id);
          return;
        }
        reachable = filled !== undefined;
      }
    }
    releaseIf(right);
    runtime.stats.invalidations++;
    if (reachable) {
      await this.invalidate(replaced);
    } else {
      // The method has waited for one deadline already: the deletion is kept and sent behind its back.
      tier?.postpone(replaced);
    }
  }

  #fence(key: string): Fence {
    const { coherence } = this.#engine;
    const fence = new Fence(key, coherence.shardOf(key));
    coherence.arm(fence);
    return fence;
  }

  #storeLocally(call: WriteCall, fence: Fence, entry: Entry, id: string): boolean {
    return this.#l1.store(call.runtime, fence, call.policy, { ...entry, id, part: call.part }, entry.life);
  }

  #tryPrepare(call: WriteCall, value: unknown): Entry | undefined {
    try {
      return this.#prepare(call, value, false);
    } catch (error) {
      call.runtime.refuse(error instanceof SerializationError ? error.path : 'tags', (error as Error).message);
      return undefined;
    }
  }

  #prepare(call: WriteCall, value: unknown, explicit: boolean): Entry {
    const { runtime, policy, args } = call;
    const storable = runtime.toStoredCopy(value);
    if (!storable.ok) {
      throw new SerializationError(
        `cache "${runtime.name}"${explicit ? '.set' : ''}: ${storable.reason} (at ${storable.path})`,
        storable.path,
      );
    }
    const life = runtime.lifetime(value, policy, this.#engine.clock.now());
    return { ...storable, tags: runtime.tagsOf(value, args, policy.tags), life };
  }
}

function namesIn(event: BusEvent): number {
  return event.kind === 'keys' ? event.keys.length : event.kind === 'tags' ? event.tags.length : 1;
}

function releaseIf(right: FillRight | 'none' | 'unreachable'): void {
  if (right instanceof FillRight) {
    right.release();
  }
}

const ACKNOWLEDGED: InvalidationResult = { acknowledged: true };
const UNACKNOWLEDGED: InvalidationResult = { acknowledged: false };
