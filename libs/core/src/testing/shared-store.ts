import type { BusEvent, BusMessage, BusSink } from '../bus/bus.js';
import type { FillRecord } from '../tiers/tier.js';

export interface StoredEntry {
  readonly record: FillRecord;
  readonly storedAt: number;
  readonly incarnation: number;
  readonly stamp: number;
  soft: boolean;
}

/** What the load of `token`, which ended with nothing stored, has left for those who waited for it. */
interface LastWord {
  readonly token: string;
  readonly incarnation: number;
  readonly stamp: number;
  readonly error: string;
}

interface StoredLease {
  /** `''`: nobody has it, only the word of the load before is kept. */
  token: string;
  until: number;
  word?: LastWord | undefined;
}

let lives = 1_000;

/** The state every instance of a shared memory works on; each method is one atomic step. */
export class SharedStore {
  incarnation = ++lives;
  stamp = 0;
  sequence = 0;
  hardClear = 0;
  softClear = 0;
  readonly entries = new Map<string, StoredEntry>();
  readonly leases = new Map<string, StoredLease>();
  readonly hardTags = new Map<string, number>();
  readonly softTags = new Map<string, number>();
  readonly holds = new Map<string, Map<string, number>>();
  readonly versions = new Map<string, number>();
  readonly sinks = new Set<BusSink>();
  readonly waiters = new Map<string, Set<() => void>>();

  flush(): void {
    this.incarnation = ++lives;
    this.sequence = 0;
    this.hardClear = 0;
    this.softClear = 0;
    for (const part of [this.entries, this.leases, this.hardTags, this.softTags, this.holds, this.versions]) {
      part.clear();
    }
  }

  publish(event: BusEvent): void {
    const message: BusMessage = { shard: 0, incarnation: this.incarnation, sequence: ++this.sequence, event };
    for (const sink of this.sinks) {
      sink.onMessage(message);
    }
  }

  wake(key: string): void {
    const waiting = this.waiters.get(key);
    this.waiters.delete(key);
    for (const wake of waiting ?? []) {
      wake();
    }
  }

  /** The newest stamp of whatever may have concerned an entry of unknown tags. */
  newestStamp(): number {
    return Math.max(this.hardClear, this.softClear, ...this.hardTags.values(), ...this.softTags.values());
  }

  isHeld(key: string, now: number): boolean {
    const holders = this.holds.get(key);
    return holders !== undefined && [...holders.values()].some((until) => until > now);
  }

  /** `gone`, `stale` or `fresh`; undefined when there is none. */
  judge(entry: StoredEntry, now: number): 'gone' | 'stale' | 'fresh' {
    const { record, stamp, incarnation, storedAt } = entry;
    const age = now - storedAt;
    const gone =
      incarnation !== this.incarnation ||
      stamp <= this.hardClear ||
      record.tags.some((tag) => stamp <= (this.hardTags.get(tag) ?? 0)) ||
      age >= record.freshFor + record.graceFor;
    if (gone) {
      return 'gone';
    }
    const stale =
      entry.soft ||
      stamp <= this.softClear ||
      record.tags.some((tag) => stamp <= (this.softTags.get(tag) ?? 0)) ||
      age >= record.freshFor ||
      age < 0;
    return stale ? 'stale' : 'fresh';
  }
}
