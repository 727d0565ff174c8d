import { NO_SLOT, type SlotTable } from './slot-table.js';

/**
 * A queue of slots threaded through the table's links: push, shift and removal from the middle in constant time, no allocation.
 * A slot stands in at most one queue at a time. Doubly linked, because lazy tombstones would save 4 bytes per entry and cost
 * a bound on the rings under delete/insert churn.
 */
export class SlotQueue {
  count = 0;
  bytes = 0;
  readonly #table: SlotTable;
  #head = NO_SLOT;
  #tail = NO_SLOT;

  constructor(table: SlotTable) {
    this.#table = table;
  }

  push(slot: number): void {
    const { next, prev, bytes } = this.#table;
    prev[slot] = this.#tail;
    next[slot] = NO_SLOT;
    if (this.#tail === NO_SLOT) {
      this.#head = slot;
    } else {
      next[this.#tail] = slot;
    }
    this.#tail = slot;
    this.count++;
    this.bytes += bytes[slot];
  }

  /** Takes the oldest slot out; {@link NO_SLOT} when empty. */
  shift(): number {
    const slot = this.#head;
    if (slot !== NO_SLOT) this.remove(slot);
    return slot;
  }

  remove(slot: number): void {
    const { next, prev, bytes } = this.#table;
    const before = prev[slot];
    const after = next[slot];
    if (before === NO_SLOT) {
      this.#head = after;
    } else {
      next[before] = after;
    }
    if (after === NO_SLOT) {
      this.#tail = before;
    } else {
      prev[after] = before;
    }
    this.count--;
    this.bytes -= bytes[slot];
  }

  /** Oldest first, for tests and inspection. */
  *[Symbol.iterator](): Generator<number> {
    for (let slot = this.#head; slot !== NO_SLOT; slot = this.#table.next[slot]) yield slot;
  }
}
