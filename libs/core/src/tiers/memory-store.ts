import { widenF64, widenList } from './columns.js';
import { EntryTimes } from './entry-times.js';
import type { EvictionPolicy } from './eviction-policy.js';
import type { L1Fill, L1Store, RemovalCause, RemovalListener } from './l1-store.js';
import { NO_SLOT, SlotTable } from './slot-table.js';

const LARGEST_SIZE = 0xffff_ffff;

/** Limits of a {@link MemoryStore}, and how to make its policy. */
export interface MemoryStoreOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly policy: (table: SlotTable, maxBytes: number) => EvictionPolicy;
  readonly onRemoval?: RemovalListener;
}

/**
 * The first tier in memory: a map from key to slot, and one column per property (a structure of arrays), so that an entry costs
 * about 60 bytes over its key and value, and a hit no allocation. Both limits hold after every call.
 */
export class MemoryStore implements L1Store {
  values: unknown[];
  checkAt: Float64Array;
  sequence: Float64Array;
  bytes: number;
  readonly #options: MemoryStoreOptions;
  readonly #onRemoval: RemovalListener | undefined;
  #slots: Map<string, number>;
  #table: SlotTable;
  #times: EntryTimes;
  #policy: EvictionPolicy;
  /** Appear with the first entry that has some. */
  #tags: (readonly string[] | undefined)[] | undefined;
  #ids: string[] | undefined;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#onRemoval = options.onRemoval;
    this.#reset();
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Slots allocated so far, for tests of growth. */
  get capacity(): number {
    return this.#table.capacity;
  }

  find(key: string): number {
    const slot = this.#slots.get(key);
    return slot === undefined ? NO_SLOT : slot;
  }

  touch(slot: number): void {
    this.#policy.touch(slot);
  }

  staleAt(slot: number): number {
    return this.#times.staleAt(slot);
  }

  goneAt(slot: number): number {
    return this.#times.goneAt(slot);
  }

  createdAt(slot: number): number {
    return this.#times.createdAt(slot);
  }

  tagsOf(slot: number): readonly string[] | undefined {
    return this.#tags?.[slot];
  }

  idOf(slot: number): string {
    return this.#ids?.[slot] ?? '';
  }

  keyOf(slot: number): string {
    return this.#table.keys[slot];
  }

  set(key: string, fill: L1Fill): boolean {
    const bytes = Math.min(Math.ceil(fill.bytes), LARGEST_SIZE);
    const known = this.find(key);
    if (!(bytes <= this.#options.maxBytes)) {
      if (known !== NO_SLOT) this.#remove(known, 'replaced');
      return false;
    }
    if (known === NO_SLOT) {
      this.#insert(key, bytes, fill);
    } else {
      this.#replace(known, bytes, fill);
      this.#onRemoval?.(key, 'replaced');
    }
    return true;
  }

  revalidate(slot: number, sequence: number): void {
    this.sequence[slot] = sequence;
  }

  prolong(slot: number, checkAt: number, staleAt: number, goneAt: number): void {
    this.#times.prolong(slot, checkAt, staleAt, goneAt);
  }

  expire(slot: number): void {
    this.#times.expire(slot);
  }

  delete(key: string, cause: RemovalCause): boolean {
    const slot = this.find(key);
    if (slot === NO_SLOT) return false;
    this.#remove(slot, cause);
    return true;
  }

  clear(): void {
    const removed = this.#slots;
    this.#reset();
    if (this.#onRemoval === undefined) return;
    for (const key of removed.keys()) this.#onRemoval(key, 'deleted');
  }

  #insert(key: string, bytes: number, fill: L1Fill): void {
    while (this.#slots.size >= this.#options.maxEntries) this.#evict();
    this.#makeRoom(bytes);
    if (this.#table.full) this.#grow();
    const slot = this.#table.take(key, bytes);
    this.#slots.set(key, slot);
    this.bytes += bytes;
    this.#write(slot, fill);
    this.#policy.admit(slot);
  }

  /** Storing a key again is a use of it. It is out of the order while room is made, so it cannot be its own victim. */
  #replace(slot: number, bytes: number, fill: L1Fill): void {
    this.#policy.detach(slot);
    this.bytes -= this.#table.bytes[slot];
    this.#makeRoom(bytes);
    this.#table.bytes[slot] = bytes;
    this.bytes += bytes;
    this.#write(slot, fill);
    this.#policy.restore(slot);
    this.#policy.touch(slot);
  }

  #makeRoom(bytes: number): void {
    while (this.bytes + bytes > this.#options.maxBytes) this.#evict();
  }

  #evict(): void {
    this.#drop(this.#policy.evict(), 'evicted');
  }

  #remove(slot: number, cause: RemovalCause): void {
    this.#policy.detach(slot);
    this.#drop(slot, cause);
  }

  /** Forgets a slot that no queue holds any more, with every reference in it. */
  #drop(slot: number, cause: RemovalCause): void {
    const key = this.#table.keys[slot];
    this.#slots.delete(key);
    this.bytes -= this.#table.bytes[slot];
    this.values[slot] = undefined;
    if (this.#tags !== undefined) this.#tags[slot] = undefined;
    if (this.#ids !== undefined) this.#ids[slot] = '';
    this.#table.release(slot);
    this.#onRemoval?.(key, cause);
  }

  #write(slot: number, fill: L1Fill): void {
    this.values[slot] = fill.value;
    this.sequence[slot] = fill.sequence;
    this.#times.fill(slot, fill);
    if (fill.tags !== undefined && fill.tags.length > 0)
      this.#tags ??= widenList<readonly string[] | undefined>([], this.capacity, undefined);
    if (fill.id !== '') this.#ids ??= widenList<string>([], this.capacity, '');
    if (this.#tags !== undefined) this.#tags[slot] = fill.tags;
    if (this.#ids !== undefined) this.#ids[slot] = fill.id;
  }

  #grow(): void {
    this.#table.grow();
    const { capacity } = this.#table;
    this.#times.grow(capacity);
    this.checkAt = this.#times.checkAt;
    this.sequence = widenF64(this.sequence, capacity);
    this.values = widenList(this.values, capacity, undefined);
    if (this.#tags !== undefined) this.#tags = widenList(this.#tags, capacity, undefined);
    if (this.#ids !== undefined) this.#ids = widenList(this.#ids, capacity, '');
  }

  #reset(): void {
    const { maxEntries, maxBytes, policy } = this.#options;
    this.bytes = 0;
    this.#slots = new Map();
    this.#table = new SlotTable(maxEntries);
    this.#policy = policy(this.#table, maxBytes);
    this.#times = new EntryTimes(this.capacity);
    this.checkAt = this.#times.checkAt;
    this.sequence = new Float64Array(this.capacity);
    this.values = widenList<unknown>([], this.capacity, undefined);
    this.#tags = undefined;
    this.#ids = undefined;
  }
}
