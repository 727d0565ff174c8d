import type { EvictionPolicy } from './eviction-policy.js';
import { GhostHistory } from './ghost-history.js';
import { SlotQueue } from './slot-queue.js';
import type { LocalKey, SlotTable } from './slot-table.js';

/** The bits of a slot's mark that count its uses, and the one that says which queue it stands in. */
const USES = 0b011;
const MAIN = 0b100;

/** The share of the tier, in entries and in bytes, from which the small queue is the one that gives way. */
const SMALL_SHARE = 0.1;
/** Uses seen in the small queue that earn a place in the main one. */
const PROMOTED_AT = 1;
/** Uses beyond this are not counted: the rounds an entry survives in the main queue without a further use. */
const MOST_USES = 2;

/**
 * S3-FIFO: two queues and a memory of ghosts. New keys enter a small queue, a tenth of the tier; what was used there moves on to the
 * main queue, the rest leaves and is remembered by its hash. A remembered key that comes back enters the main queue at once, which
 * spends the counted uses of an entry one round at a time before it lets go. A hit bumps a counter and moves nothing.
 * Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP '23.
 *
 * Two numbers differ from the paper, by measurement (zipf 0.8 and 0.99 bare, with scans, with one-hit wonders, with jumping and
 * drifting hot sets, recency; room for 10 % and 1 % of the keys; 0.6 to 1.5 M requests). One use in the small queue promotes, not two, and
 * uses are counted up to 2, not 3. The paper's numbers fall 0.036 behind LRU where the hot set drifts, a hair inside our bound of
 * 0.04, because worn-out entries stay for three rounds while newcomers must prove themselves twice. Ours fall behind by 0.016 there,
 * beat LRU by 0.009 on recency (paper: behind by 0.004), and give 0.775 to 0.776 for 0.778 on zipf 0.99, 0.552 for 0.557 on zipf 0.8.
 * Counting to 1 would be more robust still (-0.002 on drift) but costs 0.005 on zipf 0.99 and 0.009 on zipf 0.8; a small queue of
 * 0.2 or 0.3 costs 0.006 to 0.013 on zipf 0.99 and is no better on drift; half the ghosts lose 0.024 on drift.
 */
export class S3FifoPolicy implements EvictionPolicy {
  readonly #table: SlotTable;
  readonly #small: SlotQueue;
  readonly #main: SlotQueue;
  readonly #smallCount: number;
  readonly #smallBytes: number;
  #ghosts: GhostHistory | undefined;

  constructor(table: SlotTable, maxBytes: number) {
    this.#table = table;
    this.#small = new SlotQueue(table);
    this.#main = new SlotQueue(table);
    this.#smallCount = Math.max(1, Math.floor(table.maxSlots * SMALL_SHARE));
    this.#smallBytes = maxBytes * SMALL_SHARE;
  }

  touch(slot: number): void {
    const { marks } = this.#table;
    const mark = marks[slot];
    if ((mark & USES) < MOST_USES) marks[slot] = mark + 1;
  }

  admit(slot: number): void {
    const { keys, spaces } = this.#table;
    if (this.#ghosts?.take(keys[slot], spaces[slot]) === true) this.#table.marks[slot] = MAIN;
    this.restore(slot);
  }

  detach(slot: number): void {
    this.#queueOf(slot).remove(slot);
  }

  restore(slot: number): void {
    this.#queueOf(slot).push(slot);
  }

  evict(): number {
    const { marks, keys, spaces } = this.#table;
    while (this.#smallGivesWay()) {
      const slot = this.#small.shift();
      if ((marks[slot] & USES) < PROMOTED_AT) {
        this.#remember(keys[slot], spaces[slot]);
        return slot;
      }
      marks[slot] = MAIN;
      this.#main.push(slot);
    }
    for (;;) {
      const slot = this.#main.shift();
      if ((marks[slot] & USES) === 0) return slot;
      marks[slot]--;
      this.#main.push(slot);
    }
  }

  #smallGivesWay(): boolean {
    const small = this.#small;
    if (small.count === 0) return false;
    return small.count >= this.#smallCount || small.bytes >= this.#smallBytes || this.#main.count === 0;
  }

  #queueOf(slot: number): SlotQueue {
    return (this.#table.marks[slot] & MAIN) === 0 ? this.#small : this.#main;
  }

  /** As many ghosts as the main queue may hold entries; made at the first eviction, so that a tier with room pays nothing. */
  #remember(key: LocalKey, space: number): void {
    const capacity = ghostCapacity(this.#table.capacity);
    if (this.#ghosts === undefined || this.#ghosts.capacity < capacity) {
      this.#ghosts = new GhostHistory(capacity, this.#ghosts);
    }
    this.#ghosts.push(key, space);
  }
}

function ghostCapacity(slots: number): number {
  return Math.max(1, slots - Math.floor(slots * SMALL_SHARE));
}
