import { AnswerMemo } from './answer-memo.js';
import { widenF64, widenList } from './columns.js';
import { EntryTimes } from './entry-times.js';
import { CacheConfigError } from '../errors.js';
import type { EvictionPolicy } from './eviction-policy.js';
import { KeySpace } from './key-space.js';
import type { L1Fill, L1Space, L1Store, RemovalCause, RemovalListener } from './l1-store.js';
import { NO_SLOT, SlotTable } from './slot-table.js';
import { TagLists } from './tag-lists.js';

const LARGEST_SIZE = 0xffff_ffff;
/** What a 16-bit column can number. */
const MOST_SPACES = 0xffff;

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
  /** By number; the first holds the keys of no cache. */
  readonly #spaces = [new KeySpace('', 0)];
  readonly #byPrefix = new Map<string, KeySpace>();
  #lately = this.#spaces[0];
  #size: number;
  #table: SlotTable;
  #times: EntryTimes;
  #policy: EvictionPolicy;
  /** Appear with the first entry that has some. */
  #tags: (readonly string[] | undefined)[] | undefined;
  #ids: string[] | undefined;
  #lists: TagLists;
  readonly #answers = new AnswerMemo();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#onRemoval = options.onRemoval;
    this.#reset();
  }

  get size(): number {
    return this.#size;
  }

  /** Slots allocated so far, for tests of growth. */
  get capacity(): number {
    return this.#table.capacity;
  }

  find(key: string): number {
    const space = this.#spaceOf(key);
    return space.locate(key.slice(space.prefix.length));
  }

  space(prefix: string): L1Space {
    let space = this.#byPrefix.get(prefix);
    if (space === undefined) {
      if (this.#spaces.length > MOST_SPACES) {
        throw new CacheConfigError(
          `memoryTier: more than ${MOST_SPACES} caches in one engine; use fewer, with more key parts`,
        );
      }
      space = new KeySpace(prefix, this.#spaces.length);
      this.#spaces.push(space);
      this.#byPrefix.set(prefix, space);
    }
    return space;
  }

  touch(slot: number): void {
    this.#policy.touch(slot);
  }

  promiseOf(slot: number): Promise<unknown> {
    return this.#answers.promiseOf(slot, this.values[slot]);
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
    return this.#spaceAt(slot).keyOf(this.#table.keys[slot]);
  }

  set(key: string, fill: L1Fill): boolean {
    const bytes = Math.min(Math.ceil(fill.bytes), LARGEST_SIZE);
    const space = this.#spaceOf(key);
    const known = fill.part === undefined ? space.locate(key.slice(space.prefix.length)) : space.find(fill.part);
    if (!(bytes <= this.#options.maxBytes)) {
      if (known !== NO_SLOT) this.#remove(known, 'replaced');
      return false;
    }
    if (known === NO_SLOT) {
      this.#insert(space, key, bytes, fill);
    } else {
      this.#replace(known, bytes, fill);
      this.#onRemoval?.(key, 'replaced', space.prefix);
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
    // Whoever holds a space goes on holding it.
    const removed = this.#spaces.map((space) => ({ space, keys: space.clear() }));
    this.#reset();
    if (this.#onRemoval === undefined) return;
    for (const { space, keys } of removed) {
      for (const local of keys) this.#onRemoval(space.keyOf(local), 'deleted', space.prefix);
    }
  }

  /** The space of an encoded key: its prefix ends behind the second colon (`product:v1:`), and no cache's name holds one. */
  #spaceOf(key: string): KeySpace {
    const lately = this.#lately;
    if (lately.id !== 0 && key.startsWith(lately.prefix)) return lately;
    const end = key.indexOf(':', key.indexOf(':') + 1) + 1;
    const space = this.#byPrefix.get(key.slice(0, end)) ?? this.#spaces[0];
    this.#lately = space;
    return space;
  }

  #spaceAt(slot: number): KeySpace {
    return this.#spaces[this.#table.spaces[slot]];
  }

  #insert(space: KeySpace, key: string, bytes: number, fill: L1Fill): void {
    while (this.#size >= this.#options.maxEntries) this.#evict();
    this.#makeRoom(bytes);
    if (this.#table.full) this.#grow();
    const slot = this.#table.take(bytes);
    const rest = fill.part === undefined ? key.slice(space.prefix.length) : '';
    this.#table.keys[slot] = space.put(rest, slot, fill.part);
    this.#table.spaces[slot] = space.id;
    this.#size++;
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
    const space = this.#spaceAt(slot);
    const local = this.#table.keys[slot];
    space.remove(local);
    this.#size--;
    this.bytes -= this.#table.bytes[slot];
    this.values[slot] = undefined;
    this.#answers.forget(slot);
    if (this.#tags !== undefined) this.#tags[slot] = undefined;
    if (this.#ids !== undefined) this.#ids[slot] = '';
    this.#table.release(slot);
    this.#onRemoval?.(space.keyOf(local), cause, space.prefix);
  }

  #write(slot: number, fill: L1Fill): void {
    this.values[slot] = fill.value;
    this.#answers.forget(slot);
    this.sequence[slot] = fill.sequence;
    this.#times.fill(slot, fill);
    if (fill.tags !== undefined && fill.tags.length > 0)
      this.#tags ??= widenList<readonly string[] | undefined>([], this.capacity, undefined);
    if (fill.id !== '') this.#ids ??= widenList<string>([], this.capacity, '');
    if (this.#tags !== undefined) this.#tags[slot] = fill.tags && this.#lists.shared(fill.tags);
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
    this.#size = 0;
    this.#table = new SlotTable(maxEntries);
    this.#policy = policy(this.#table, maxBytes);
    this.#times = new EntryTimes(this.capacity);
    this.checkAt = this.#times.checkAt;
    this.sequence = new Float64Array(this.capacity);
    this.values = widenList<unknown>([], this.capacity, undefined);
    this.#tags = undefined;
    this.#ids = undefined;
    this.#lists = new TagLists();
    this.#answers.clear();
  }
}
