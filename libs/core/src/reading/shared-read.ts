import type { Engine } from '../engine.js';
import { newEntryId } from './entry-id.js';
import { FillRight, LEASE_TTL } from './fill-right.js';
import type { Flight } from './flight.js';
import type { L1View } from './l1-view.js';
import type { Loading } from './loading.js';
import { readError } from './shared-errors.js';
import { decodeRecord } from './entry-codec.js';
import type { GuardedSink } from '../tiers/read-deadlines.js';
import { WRITER_MARK, type TierRead, type TierRecord } from '../tiers/tier.js';

/** Longest a flight waits for somebody else's load before it loads by itself, unstored, ms. */
const WAIT_BUDGET = 30_000;
/**
 * The same inside another load, whose lease we hold meanwhile. 1 one instance loads A, 2 another loads B, 3 A's loader reads B and waits for
 * the lease of 2, 4 B's loader reads A and waits for the lease of 1: no process can see that circle, so it is cut short.
 */
const NESTED_WAIT_BUDGET = 2_000;
/** Longest pause between two looks while waiting: a lost wake-up costs no more than this, ms. */
const POLL = 250;

/** How often an entry may change under our eyes before we load without the right to fill. */
const MAX_CHANGES = 5;

/** What the lease negotiation ended with. */
type Right =
  | { readonly kind: 'answered' }
  | { readonly kind: 'load'; readonly right: FillRight | undefined; readonly mayStore: boolean };

const ANSWERED: Right = { kind: 'answered' };

/** The middle of the read story: ask the second tier; on a miss obtain the right to fill, or wait for whoever has it. */
export class SharedRead {
  readonly #engine: Engine;
  readonly #l1: L1View;
  readonly #loading: Loading;
  readonly #end: (flight: Flight) => void;

  constructor(engine: Engine, l1: L1View, loading: Loading, end: (flight: Flight) => void) {
    this.#engine = engine;
    this.#l1 = l1;
    this.#loading = loading;
    this.#end = end;
  }

  start(flight: Flight): void {
    const { tier } = this.#engine;
    if (tier === undefined || !flight.policy.useL2) {
      this.#onMissOrStale(flight, undefined);
    } else if (flight.force) {
      this.#onMissOrStale(flight, '');
    } else {
      // The hit path: one promise (the flight's own), no async function, the answer settles it on the tick it arrives.
      tier.read(flight.key, flight.known, new FirstRead(flight, this));
    }
  }

  sent(flight: Flight, now: number): void {
    flight.phase = 'reading';
    flight.sentAt = now;
    this.#engine.coherence.arm(flight.fence, now);
  }

  onFirstRead(flight: Flight, read: TierRead): void {
    const seen = this.#take(flight, read);
    if (seen === undefined) {
      this.#end(flight);
    } else {
      this.#onMissOrStale(flight, seen);
    }
  }

  /** `seen`: the id the lease is asked for; undefined when the second tier plays no part in this load. */
  #onMissOrStale(flight: Flight, seen: string | undefined): void {
    const { runtime, policy, candidate } = flight;
    const { clock } = this.#engine;
    if (candidate === undefined) {
      this.#missed(flight);
    } else if (flight.load === undefined || policy.softTimeout === undefined) {
      this.#loading.settleStale(flight, candidate);
    } else {
      const timer = clock.setTimeout(() => {
        // A hard delete in between outranks grace: then only the load answers.
        if (this.#loading.isUsable(flight, candidate)) {
          this.#loading.settleStale(flight, candidate);
        }
      }, policy.softTimeout);
      flight.whenEnded(() => clock.clearTimeout(timer));
    }
    if (flight.load === undefined || (flight.settled && runtime.backoff.isPaused(flight.key, clock.now()))) {
      flight.settle(undefined, true);
      this.#end(flight);
    } else {
      flight.background ||= flight.settled;
      this.#load(flight, seen);
    }
  }

  onUnavailable(flight: Flight): void {
    const { runtime, key } = flight;
    runtime.stats.l2Errors++;
    const unproven = this.#l1.serveUnproven(runtime, key, flight.policy);
    if (unproven === undefined) {
      this.#onMissOrStale(flight, undefined);
    } else {
      runtime.stats.hits += flight.background ? 0 : 1;
      flight.settle(unproven.stored, false);
      this.#end(flight);
    }
  }

  #missed(flight: Flight): void {
    if (!flight.background) {
      flight.runtime.stats.misses++;
      this.#engine.observer.lookup?.(flight.runtime.name, 'miss', undefined, flight.key);
    }
  }

  /** Takes a read into the flight: undefined when it is answered, otherwise the id that was seen (for the lease). */
  #take(flight: Flight, read: TierRead): string | undefined {
    const { runtime, key, policy, known } = flight;
    if (read.status === 'same' && known !== undefined) {
      const life = { createdAt: flight.sentAt - read.age, freshFor: read.freshFor, graceFor: read.graceFor };
      if (flight.fence.broken === undefined) {
        this.#l1.prolong(key, known.id, policy, life);
      }
      if (this.#isDue(flight, read)) {
        return known.id;
      }
      this.#hit(flight, known.stored);
      return undefined;
    }
    if (read.status !== 'found') {
      if (known !== undefined) {
        this.#l1.dropIf(key, known.id);
      }
      return read.status === 'absent' ? read.id : '';
    }
    const { record } = read;
    const decoded = decodeRecord(runtime, record);
    if (decoded === undefined) {
      runtime.stats.l2Errors++;
      return record.id;
    }
    return this.#takeRecord(flight, record, decoded);
  }

  #takeRecord(flight: Flight, record: TierRecord, decoded: { stored: unknown; bytes: number }): string | undefined {
    const { runtime, policy } = flight;
    const tags = runtime.userTags(record.tags);
    const createdAt = flight.sentAt - record.age;
    const freshFor = record.stale ? Math.min(record.freshFor, record.age) : record.freshFor;
    const graceFor = record.freshFor + record.graceFor - freshFor;
    const { sequence } = flight.fence;
    if (record.stale && record.graceFor === 0) {
      return record.id; // Expired, and nothing stale may be served.
    }
    // Race: 1 we read the entry, 2 it is invalidated and the message arrives, 3 we copy it to L1. The fence, armed before 1, refuses 3.
    if (policy.useL1) {
      const entry = { stored: decoded.stored, bytes: decoded.bytes, tags, id: record.id, part: flight.part };
      this.#l1.store(runtime, flight.fence, policy, entry, { createdAt, freshFor, graceFor });
    }
    flight.resultTags = tags;
    if (!record.stale && !this.#isDue(flight, record)) {
      this.#hit(flight, decoded.stored);
      return undefined;
    }
    const staleAt = createdAt + freshFor;
    const goneAt = staleAt + graceFor;
    flight.candidate = { stored: decoded.stored, createdAt, staleAt, goneAt, sequence, tags, tier: 'l2' };
    return record.id;
  }

  /** A reload ahead of time is due by the age of the entry itself: nobody, here or elsewhere, has done it yet. */
  #isDue({ ahead, policy }: Flight, { age, freshFor }: { age: number; freshFor: number }): boolean {
    return ahead && age >= freshFor * (policy.refreshAhead ?? 1);
  }

  #hit(flight: Flight, stored: unknown): void {
    if (!flight.background) {
      const { name, stats } = flight.runtime;
      stats.l2Hits++;
      stats.l2Negative += stored == null ? 1 : 0;
      this.#engine.observer.lookup?.(name, stored == null ? 'negative' : 'hit', 'l2', flight.key);
    }
    flight.runtime.backoff.succeeded(flight.key);
    flight.settle(stored, false);
  }

  #load(flight: Flight, seen: string | undefined): void {
    if (seen !== undefined) {
      flight.scope.runInAsyncScope(() => this.#engine.background.run('load', () => this.#negotiate(flight, seen)));
    } else if (flight.aborted) {
      this.#end(flight);
    } else if (this.#engine.tier === undefined) {
      this.#loading.run(flight, undefined, true);
    } else {
      flight.scope.runInAsyncScope(() => this.#loading.run(flight, undefined, true));
    }
  }

  async #negotiate(flight: Flight, seen: string): Promise<void> {
    let right: Right = ANSWERED;
    try {
      right = await this.#obtainRight(flight, seen);
    } finally {
      if (right.kind === 'load' && !flight.aborted) {
        this.#loading.run(flight, right.right, right.mayStore);
      } else {
        if (right.kind === 'load') {
          right.right?.release();
        }
        this.#end(flight);
      }
    }
  }

  async #obtainRight(flight: Flight, first: string): Promise<Right> {
    const { clock, background, observer } = this.#engine;
    const { runtime } = flight;
    const tier = this.#engine.tier!;
    const token = newEntryId();
    let awaited: string | undefined;
    let mayWait = true;
    const giveUpAt = clock.now() + (flight.parent === undefined ? WAIT_BUDGET : NESTED_WAIT_BUDGET);
    let seen = first;
    for (let changes = 0; !flight.aborted;) {
      const reply = await tier
        .lease(flight.key, { token, seen, ttl: LEASE_TTL, force: flight.force, awaited })
        .catch(() => undefined);
      if (reply === undefined) {
        break;
      }
      if (reply.status === 'granted') {
        const right = new FillRight(tier, flight.key, reply.lease, clock, background);
        return { kind: 'load', right, mayStore: true };
      }
      if (reply.status === 'held') {
        // A writer is about to change the source: what we load now may be old in a moment.
        return { kind: 'load', right: undefined, mayStore: false };
      }
      if (reply.status === 'failed' && reply.error !== undefined) {
        const failure = readError(runtime, reply.error, observer);
        if (failure !== undefined) {
          this.#loading.told(flight, failure.error);
          return ANSWERED;
        }
        // Not understood: as if nothing had been said. The lease may still be free.
        mayWait = false;
        awaited = undefined;
        continue;
      }
      if (reply.status !== 'changed' && flight.settled) {
        return ANSWERED; // Answered stale, and somebody else is refreshing.
      }
      // Who has waited for a load in vain does not wait for another one, or the last of many instances would wait for all of them.
      if (reply.status === 'failed') {
        break;
      }
      if (reply.status === 'busy') {
        if (reply.holder.startsWith(WRITER_MARK)) {
          // A put may run as long as it likes: read the source as it is now, and leave the storing to the put.
          return { kind: 'load', right: undefined, mayStore: false };
        }
        if (!mayWait || clock.now() >= giveUpAt) {
          break;
        }
        awaited = reply.holder;
        flight.fence.disarm();
        runtime.stats.waited += flight.waited ? 0 : 1;
        flight.waited = true;
        flight.phase = 'waiting';
        flight.member?.leaves();
        // Jitter: instances that wait for the same load do not all come back in the same ms.
        await tier
          .waitForWake(flight.key, Math.min(reply.retryIn + 1, POLL) * (0.8 + 0.4 * Math.random()))
          .catch(() => undefined);
      } else if (++changes > MAX_CHANGES) {
        break;
      }
      const read = await this.#readAgain(flight);
      const next = read === undefined ? undefined : this.#take(flight, read);
      if (read === undefined) {
        break;
      }
      if (next === undefined) {
        return ANSWERED;
      }
      seen = next;
    }
    return { kind: 'load', right: undefined, mayStore: flight.policy.consistency !== 'coherent' };
  }

  /** Reads once more; undefined when the tier cannot answer. */
  #readAgain(flight: Flight): Promise<TierRead | undefined> {
    return new Promise((resolve) => {
      this.#engine.tier!.read(flight.key, undefined, {
        onSent: (now) => this.sent(flight, now),
        // The payload is only valid inside the callback, so the record is copied out.
        onRead: (read) => resolve(read.status === 'found' ? { status: 'found', record: keep(read.record) } : read),
        onUnavailable: () => resolve(undefined),
      });
    });
  }
}

/** The answer of the first read of a flight: one small object instead of three closures. */
class FirstRead implements GuardedSink {
  readonly #flight: Flight;
  readonly #reads: SharedRead;

  constructor(flight: Flight, reads: SharedRead) {
    this.#flight = flight;
    this.#reads = reads;
  }

  onSent(now: number): void {
    this.#reads.sent(this.#flight, now);
  }

  onRead(read: TierRead): void {
    this.#reads.onFirstRead(this.#flight, read);
  }

  onUnavailable(): void {
    this.#reads.onUnavailable(this.#flight);
  }
}

/** Member by member: a tier's record may be a view with getters on its prototype, which a spread would leave out. */
function keep(record: TierRecord): TierRecord {
  const { id, payload, format, schema, tags, age, freshFor, graceFor, stale } = record;
  return { id, payload: Buffer.from(payload), format, schema, tags, age, freshFor, graceFor, stale };
}
