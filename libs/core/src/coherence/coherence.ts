import type { Clock } from '../clock/clock.js';
import { TimeWindow } from '../clock/time-window.js';
import type { InvalidationMode } from '../definition.js';
import type { Fence } from './fence.js';
import { Fences } from './fence.js';
import { TagLedger } from './tag-ledger.js';
import type { BusEvent } from '../bus/bus.js';
import type { L1Store } from '../tiers/l1-store.js';

/** A monotonic clock stands still while the machine sleeps; the wall clock does not. Beyond this many ms apart, it slept. */
const SLEEP_THRESHOLD = 500;
/** ms between two looks at the wall clock. */
const SLEEP_CHECK = 1;

/**
 * What this process knows about the validity of its own copies: fences of work in flight, tag stamps, and per shard the last proof
 * that its invalidations still arrive. Local invalidations and received ones end here alike; nothing here publishes.
 */
export class Coherence {
  readonly fences = new Fences();
  readonly ledger: TagLedger;
  /** Per shard: the monotonic instant of the last proof that the bus delivers; `-Infinity` = suspect, `Infinity` = no bus needed. */
  readonly #provenAt: Float64Array;
  readonly bounded: boolean;
  readonly maxStaleness: number;
  readonly shards: number;
  readonly #clock: Clock;
  readonly #l1: L1Store;
  readonly #shardOf: (key: string) => number;
  /** While it lasts, every shard is proven and the machine has not slept. */
  readonly #window: TimeWindow;
  readonly #holds = new Map<string, number>();
  #wallLead = 0;
  #sleepCheckedAt = -Infinity;
  #wokeAt = -Infinity;

  constructor(
    l1: L1Store,
    clock: Clock,
    shards: number,
    shardOf: (key: string) => number,
    maxStaleness: number | undefined,
  ) {
    this.#l1 = l1;
    this.#clock = clock;
    this.#window = new TimeWindow(clock);
    this.#shardOf = shardOf;
    this.shards = shards;
    this.ledger = new TagLedger(shards);
    this.bounded = maxStaleness !== undefined;
    this.maxStaleness = maxStaleness ?? Infinity;
    this.#provenAt = new Float64Array(shards).fill(this.bounded ? -Infinity : Infinity);
    this.#wallLead = clock.wall() - clock.now();
  }

  shardOf(key: string): number {
    return this.bounded ? this.#shardOf(key) : 0;
  }

  /**
   * Whether L1 may answer for a shard. `now` must be an exact monotonic reading: after SIGSTOP or a blocked event loop a cached
   * instant is as old as the stop.
   */
  isProven(shard: number, now: number): boolean {
    if (now - this.#provenAt[shard] > this.maxStaleness) {
      return false;
    }
    // A machine that slept must not serve what it knew before.
    return now - this.#sleepCheckedAt < SLEEP_CHECK || !this.#slept(now);
  }

  /** Whether L1 may answer for every shard, and it is earlier than `checkAt`: no more than one exact reading. False: ask {@link vouches}. */
  vouchesUntil(checkAt: number): boolean {
    return this.#window.end <= checkAt && this.#window.lasts();
  }

  /** The same for one slot of L1, by a closer look. */
  vouches(slot: number, checkAt: number): boolean {
    const now = this.#clock.now();
    const shard = this.shards === 1 ? 0 : this.#shardOf(this.#l1.keyOf(slot));
    if (now >= checkAt || !this.isProven(shard, now)) {
      return false;
    }
    this.#window.openUntil(
      Math.min(this.#sleepCheckedAt + SLEEP_CHECK, Math.min(...this.#provenAt) + this.maxStaleness),
    );
    return true;
  }

  #slept(now: number): boolean {
    this.#sleepCheckedAt = now;
    const lead = this.#clock.wall() - now;
    const slept = this.bounded && lead - this.#wallLead > SLEEP_THRESHOLD;
    this.#wallLead = lead;
    if (slept) {
      this.#wokeAt = now;
      this.#provenAt.fill(-Infinity);
      this.#window.shut();
    }
    return slept;
  }

  /** The bus proved that it delivered everything up to `sentAt`. A question asked before the machine slept proves nothing after. */
  prove(shard: number, sentAt: number): void {
    this.#slept(this.#clock.now());
    if (sentAt > this.#wokeAt) {
      this.#provenAt[shard] = sentAt;
    }
  }

  /** Something contradicts what is believed of a shard: L1 does not answer for it until the next proof. */
  doubt(shard: number): void {
    this.#provenAt[shard] = -Infinity;
    this.#window.shut();
  }

  /**
   * Whether something that began with this fence may still answer a caller who starts now: as long as invalidations arrive (they break
   * it), and otherwise within the bound. After SIGSTOP a read sent before the stop may be as old as the stop was long.
   */
  isShareable(fence: Fence): boolean {
    if (!this.bounded) {
      return true;
    }
    const now = this.#clock.now();
    return (
      this.isProven(fence.shard, now) || (fence.armedAt > this.#wokeAt && now - fence.armedAt <= this.maxStaleness)
    );
  }

  /** Takes one invalidation into account, whoever it came from. */
  apply(event: BusEvent): void {
    if (event.kind === 'keys') {
      for (const key of event.keys) {
        this.invalidateKey(key, event.mode);
      }
    } else if (event.kind === 'tags') {
      this.ledger.invalidateTags(event.tags, event.mode);
    } else {
      this.ledger.clear(event.mode);
      this.fences.breakAll(event.mode);
    }
  }

  /** A writer of this process is about to change the source of a key: nothing is stored for it until it is done. */
  hold(key: string): void {
    this.#holds.set(key, (this.#holds.get(key) ?? 0) + 1);
  }

  unhold(key: string): void {
    const holders = this.#holds.get(key) ?? 1;
    if (holders > 1) {
      this.#holds.set(key, holders - 1);
    } else {
      this.#holds.delete(key);
    }
  }

  isHeld(key: string): boolean {
    return this.#holds.size > 0 && this.#holds.has(key);
  }

  /** `except`: the fence of the writer itself, which its own invalidation does not overtake. */
  invalidateKey(key: string, mode: InvalidationMode, except?: Fence): void {
    this.fences.breakKey(key, mode, except);
    if (mode === 'delete') {
      this.#l1.delete(key, 'deleted');
    } else {
      const slot = this.#l1.find(key);
      if (slot >= 0 && this.#l1.goneAt(slot) > this.#l1.staleAt(slot)) {
        this.#l1.expire(slot);
      } else {
        // Without grace nothing stale is ever served.
        this.#l1.delete(key, 'deleted');
      }
    }
  }

  /** The history of a shard has a gap: nothing L1 holds of it, and nothing in flight, can be trusted. */
  dropShard(shard: number): void {
    this.ledger.dropShard(shard);
    this.fences.breakShard(shard);
  }

  /** `now`: an exact monotonic reading, when the caller has just taken one. */
  arm(fence: Fence, now = this.bounded ? this.#clock.now() : 0): void {
    fence.arm(this.ledger.sequence, now);
  }
}
