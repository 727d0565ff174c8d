import { widenF64, widenU32 } from './columns.js';
import type { L1Fill } from './l1-store.js';

/** The largest distance a column holds, in ms (49 days); one more stands for "for ever". */
const FARTHEST = 0xffff_fffe;
const FOR_EVER = 0xffff_ffff;

/**
 * The instants of each slot in 12 to 20 bytes: `checkAt` exactly, the others as distances from it in whole ms.
 * Rounding is to the safe side: `createdAt`, `staleAt` and `goneAt` may read up to 1 ms early, never late.
 * Most entries are stale and gone at `checkAt`, so those two columns appear with the first entry that needs them.
 *
 * Instants before `createdAt` are raised to it, which nobody can observe: no reading of the clock is earlier.
 * A `checkAt` more than 49 days ahead comes early; finite distances beyond 49 days are cut to that.
 */
export class EntryTimes {
  checkAt: Float64Array;
  #capacity: number;
  #age: Uint32Array;
  #stale: Uint32Array | undefined;
  #gone: Uint32Array | undefined;

  constructor(capacity: number) {
    this.grow(capacity);
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    this.checkAt = widenF64(this.checkAt, capacity);
    this.#age = widenU32(this.#age, capacity);
    if (this.#stale !== undefined) this.#stale = widenU32(this.#stale, capacity);
    if (this.#gone !== undefined) this.#gone = widenU32(this.#gone, capacity);
  }

  createdAt(slot: number): number {
    return this.checkAt[slot] - this.#age[slot];
  }

  staleAt(slot: number): number {
    return after(this.checkAt[slot], this.#stale, slot);
  }

  goneAt(slot: number): number {
    return after(this.checkAt[slot], this.#gone, slot);
  }

  fill(slot: number, fill: L1Fill): void {
    this.#write(slot, fill.createdAt, fill.createdAt, fill.checkAt, fill.staleAt, fill.goneAt);
  }

  /** Keeps `createdAt`; past 49 days of prolonging it reads as 49 days before `checkAt`. */
  prolong(slot: number, checkAt: number, staleAt: number, goneAt: number): void {
    this.#write(slot, this.createdAt(slot), this.checkAt[slot], checkAt, staleAt, goneAt);
  }

  /** Stale since it was created; keeps `goneAt`. */
  expire(slot: number): void {
    const createdAt = this.createdAt(slot);
    this.#write(slot, createdAt, createdAt, createdAt, createdAt, this.goneAt(slot));
  }

  #write(slot: number, createdAt: number, from: number, check: number, stale: number, gone: number): void {
    const checkAt = Math.max(createdAt, Math.min(check, stale, from + FARTHEST));
    this.checkAt[slot] = checkAt;
    this.#age[slot] = Math.min(Math.ceil(checkAt - createdAt), FARTHEST);
    const toStale = distance(checkAt, stale);
    const toGone = distance(checkAt, gone);
    if (toStale !== 0) this.#stale ??= new Uint32Array(this.#capacity);
    if (toGone !== 0) this.#gone ??= new Uint32Array(this.#capacity);
    if (this.#stale !== undefined) this.#stale[slot] = toStale;
    if (this.#gone !== undefined) this.#gone[slot] = toGone;
  }
}

function after(checkAt: number, column: Uint32Array | undefined, slot: number): number {
  const ms = column === undefined ? 0 : column[slot];
  return ms === FOR_EVER ? Infinity : checkAt + ms;
}

function distance(checkAt: number, at: number): number {
  if (at === Infinity) return FOR_EVER;
  return at > checkAt ? Math.min(Math.floor(at - checkAt), FARTHEST) : 0;
}
