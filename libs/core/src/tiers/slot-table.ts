import { widenI32, widenList, widenU16, widenU32, widenU8 } from './columns.js';

/** What a slot is known by within its space: the text after the prefix, or the number of a key that is one number. */
export type LocalKey = string | number;

/** "No slot", and the end of a queue. */
export const NO_SLOT = -1;

const FIRST_CAPACITY = 64;
/** From here on what doubling leaves empty weighs more than copying more often. */
const DOUBLED_BELOW = 4_096;

/**
 * The slots that the store and its eviction policy have in common: key, size, links and one byte of marks each.
 * Columns are re-allocated when the table grows, so they are read from here each time.
 * Capacity doubles from 64, grows by half from 4,096 on, up to `maxSlots`; a free slot is remembered in its own link, at no cost.
 */
export class SlotTable {
  readonly maxSlots: number;
  capacity: number;
  /** What a slot is known by within its space, and the number of the space. */
  keys: LocalKey[];
  spaces: Uint16Array;
  bytes: Uint32Array;
  next: Int32Array;
  prev: Int32Array;
  /** Belongs to the policy; 0 in a slot just taken. */
  marks: Uint8Array;
  #used = 0;
  #free = NO_SLOT;

  constructor(maxSlots: number) {
    this.maxSlots = maxSlots;
    this.#resize(Math.min(FIRST_CAPACITY, maxSlots));
  }

  /** Whether {@link take} needs {@link grow} first. */
  get full(): boolean {
    return this.#free === NO_SLOT && this.#used === this.capacity;
  }

  grow(): void {
    const factor = this.capacity < DOUBLED_BELOW ? 2 : 1.5;
    this.#resize(Math.min(Math.ceil(this.capacity * factor), this.maxSlots));
  }

  take(bytes: number): number {
    let slot = this.#free;
    if (slot === NO_SLOT) {
      slot = this.#used++;
    } else {
      this.#free = this.next[slot];
    }
    this.bytes[slot] = bytes;
    this.marks[slot] = 0;
    return slot;
  }

  release(slot: number): void {
    this.keys[slot] = '';
    this.next[slot] = this.#free;
    this.#free = slot;
  }

  #resize(capacity: number): void {
    this.keys = widenList<LocalKey>(this.keys ?? [], capacity, '');
    this.spaces = widenU16(this.spaces, capacity);
    this.bytes = widenU32(this.bytes, capacity);
    this.next = widenI32(this.next, capacity);
    this.prev = widenI32(this.prev, capacity);
    this.marks = widenU8(this.marks, capacity);
    this.capacity = capacity;
  }
}
