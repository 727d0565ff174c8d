import type { Background } from '../background.js';
import type { BusEvent } from '../bus/bus.js';
import type { Clock, TimerHandle } from '../clock/clock.js';
import { withDeadline } from '../deadline.js';
import type { InvalidationMode } from '../definition.js';
import { TierError } from '../errors.js';
import type { Observer } from '../observer.js';
import type { Tally } from '../tally.js';
import { CallWatch } from './call-watch.js';
import { RecoveryQueue } from './recovery-queue.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { sendEvent } from './send-event.js';
import { isReply, ReadDeadlines, type GuardedSink } from './read-deadlines.js';
import type { FillLease, FillRecord, HoldRequest, KnownEntry, LeaseReply, LeaseRequest, SharedTier } from './tier.js';

/** ms any single call of the second tier may take. */
export const TIER_DEADLINE = 500;
const FLUSH_PAUSE = 100;
const LONGEST_FLUSH_PAUSE = 1_000;
/** Reading it proves that the tier answers; no cache can have this key. */
const PROBE_KEY = '@probe';

/**
 * The one gate in front of the second tier: deadlines, a breaker that opens on failure and on slowness, and the queue of invalidations
 * that could not be sent. The loader never passes through here.
 */
export class GuardedTier implements SharedTier {
  readonly shards: number;
  readonly #tier: SharedTier;
  readonly #clock: Clock;
  readonly #background: Background;
  readonly #observer: Observer;
  readonly #breaker: CircuitBreaker;
  readonly #deadlines: ReadDeadlines;
  readonly #watch: CallWatch;
  readonly #unsent = new RecoveryQueue();
  #flushTimer: TimerHandle | undefined;
  #flushPause = FLUSH_PAUSE;
  #openings = 0;
  /** Invalidations being re-sent: what they concern is not readable yet. */
  #sending: RecoveryQueue | undefined;

  constructor(tier: SharedTier, clock: Clock, background: Background, observer: Observer, tally: Tally) {
    this.#tier = tier;
    this.shards = tier.shards;
    this.#clock = clock;
    this.#background = background;
    this.#observer = observer;
    this.#watch = new CallWatch(observer, tally);
    this.#deadlines = new ReadDeadlines(clock, TIER_DEADLINE, (bad, ms, failed, first) => {
      this.#breaker.record(bad);
      if (first) {
        this.#watch.ended('read', ms, !failed);
      }
    });
    this.#breaker = new CircuitBreaker(
      clock,
      background,
      () => this.#probe(),
      (state) => {
        this.#openings += state === 'open' ? 1 : 0;
        observer.notice?.({
          level: 'warn',
          name: `l2.breaker.${state}`,
          message:
            state === 'open'
              ? 'the second tier fails or is slow: it is left out until it answers again'
              : 'the second tier answers again',
        });
      },
    );
  }

  get unsent(): number {
    return this.#unsent.size + (this.#sending?.size ?? 0);
  }

  get isOpen(): boolean {
    return this.#breaker.isOpen;
  }

  /** How often the breaker has opened. */
  get openings(): number {
    return this.#openings;
  }

  shardOf(key: string): number {
    return this.#tier.shardOf(key);
  }

  read(key: string, known: KnownEntry | undefined, sink: GuardedSink): void {
    if (this.#isShut(key)) {
      sink.onUnavailable(UNAVAILABLE);
    } else if (this.#watch.observes) {
      this.#watch.read(key, sink, (watched) => this.#tier.read(key, known, this.#deadlines.guard(watched)));
    } else {
      this.#tier.read(key, known, this.#deadlines.guard(sink));
    }
  }

  #isShut(key: string): boolean {
    return this.#breaker.isOpen || this.#unsent.covers(key) || this.#sending?.covers(key) === true;
  }

  async lease(key: string, request: LeaseRequest): Promise<LeaseReply> {
    if (this.#isShut(key)) {
      throw UNAVAILABLE;
    }
    return this.#guard('lease', key, () => this.#tier.lease(key, request));
  }

  renew(key: string, token: string, ttl: number): Promise<boolean> {
    return this.#guard('renew', key, () => this.#tier.renew(key, token, ttl));
  }

  release(key: string, lease: FillLease, word?: string): Promise<void> {
    return this.#guard('release', key, () => this.#tier.release(key, lease, word));
  }

  waitForWake(key: string, ms: number): Promise<void> {
    return withDeadline(this.#tier.waitForWake(key, ms), this.#clock, ms + TIER_DEADLINE, 'waiting for a load');
  }

  async fill(key: string, lease: FillLease, record: FillRecord, announce: boolean): Promise<boolean> {
    if (this.#isShut(key)) {
      throw UNAVAILABLE;
    }
    return this.#guard('fill', key, () => this.#tier.fill(key, lease, record, announce));
  }

  async put(key: string, record: FillRecord, version: number | undefined): Promise<boolean> {
    if (this.#isShut(key)) {
      throw UNAVAILABLE;
    }
    return this.#guard('put', key, () => this.#tier.put(key, record, version));
  }

  invalidateKeys(keys: readonly string[], mode: InvalidationMode): Promise<void> {
    return this.#invalidate({ kind: 'keys', keys, mode });
  }

  invalidateTags(tags: readonly string[], mode: InvalidationMode): Promise<void> {
    return this.#invalidate({ kind: 'tags', tags, mode });
  }

  clear(mode: InvalidationMode): Promise<void> {
    return this.#invalidate({ kind: 'clear', mode });
  }

  async hold(key: string, request: HoldRequest): Promise<void> {
    return this.#guard('hold', key, () => this.#tier.hold(key, request));
  }

  async unhold(key: string, token: string): Promise<void> {
    try {
      await this.#guard('unhold', key, () => this.#tier.unhold(key, token));
    } catch (error) {
      // The hold runs out by itself; the deletion must not be lost.
      this.#keep({ kind: 'keys', keys: [key], mode: 'delete' });
      throw error;
    }
  }

  /** Never swallowed: what is not acknowledged is kept, and until it was sent what it concerns is not read from the tier. */
  async #invalidate(event: BusEvent): Promise<void> {
    if (this.#breaker.isOpen) {
      this.#keep(event);
      throw UNAVAILABLE;
    }
    try {
      await this.#guard('invalidate', undefined, () => sendEvent(this.#tier, event));
    } catch (error) {
      this.#keep(event);
      throw error;
    }
  }

  /** Keeps an invalidation without trying it now: it is sent in the background, before what it concerns is read again. */
  postpone(event: BusEvent): void {
    this.#keep(event);
  }

  #keep(event: BusEvent): void {
    this.#unsent.add(event);
    this.#flushTimer ??= this.#clock.setTimeout(
      () => this.#background.run('l2.recovery', () => this.flush()),
      this.#flushPause,
    );
  }

  /** Sends what is kept; true when nothing is left. */
  async flush(): Promise<boolean> {
    if (this.#flushTimer !== undefined) {
      this.#clock.clearTimeout(this.#flushTimer);
      this.#flushTimer = undefined;
    }
    if (this.#sending !== undefined) {
      return false;
    }
    const sending = new RecoveryQueue();
    const events = this.#unsent.take();
    for (const event of events) {
      sending.add(event);
    }
    this.#sending = sending;
    try {
      for (const event of events) {
        await withDeadline(sendEvent(this.#tier, event), this.#clock, TIER_DEADLINE, 'recovery');
        this.#observer.invalidated?.(event);
      }
      this.#sending = undefined;
      this.#flushPause = FLUSH_PAUSE;
      return this.#unsent.size === 0 || (await this.flush());
    } catch {
      this.#sending = undefined;
      this.#flushPause = Math.min(this.#flushPause * 2, LONGEST_FLUSH_PAUSE);
      for (const event of events) {
        this.#keep(event);
      }
      return false;
    }
  }

  async #guard<T>(what: string, key: string | undefined, run: () => Promise<T>): Promise<T> {
    const startedAt = this.#clock.now();
    const limited = (): Promise<T> => withDeadline(run(), this.#clock, TIER_DEADLINE, `${what}: the second tier`);
    try {
      const result = await this.#watch.around(what, key, limited);
      const ms = this.#clock.now() - startedAt;
      this.#breaker.record(ms > TIER_DEADLINE / 2);
      this.#watch.ended(what, ms, true);
      return result;
    } catch (error) {
      this.#breaker.record(!isReply(error));
      this.#watch.ended(what, this.#clock.now() - startedAt, false);
      throw error;
    }
  }

  #probe(): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadlines = new ReadDeadlines(this.#clock, TIER_DEADLINE / 2, () => undefined);
      this.#tier.read(
        PROBE_KEY,
        undefined,
        deadlines.guard({ onSent: () => undefined, onRead: () => resolve(), onUnavailable: reject }),
      );
    });
  }

  async close(): Promise<void> {
    this.#breaker.dispose();
    if (this.#unsent.size > 0) {
      await this.flush();
    }
    if (this.#flushTimer !== undefined) {
      this.#clock.clearTimeout(this.#flushTimer);
    }
    this.#deadlines.dispose();
    await this.#tier.close();
  }
}

const UNAVAILABLE = new TierError('the second tier is left out: it failed, or an invalidation has not reached it yet');
