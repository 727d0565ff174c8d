import type { EvictionPolicy } from './eviction-policy.js';
import { SlotQueue } from './slot-queue.js';
import type { SlotTable } from './slot-table.js';

/** Least recently used: the order of the last use; a hit moves links. One scan flushes it, see `s3-fifo.ts` for the default. */
export class LruPolicy implements EvictionPolicy {
  readonly #queue: SlotQueue;

  constructor(table: SlotTable) {
    this.#queue = new SlotQueue(table);
  }

  touch(slot: number): void {
    this.#queue.remove(slot);
    this.#queue.push(slot);
  }

  admit(slot: number): void {
    this.#queue.push(slot);
  }

  detach(slot: number): void {
    this.#queue.remove(slot);
  }

  restore(slot: number): void {
    this.#queue.push(slot);
  }

  evict(): number {
    return this.#queue.shift();
  }
}
