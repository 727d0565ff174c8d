import { encodeKey } from '../key.js';
import { NO_SLOT, type LocalKey } from './slot-table.js';

/**
 * The slots of one cache, by what its keys have behind the prefix they share (`product:v1:`).
 *
 * A key that is one plain string or one number is indexed as that very value, so that a hit finds it without encoding it: joining it
 * to the prefix makes a new string, which must be flattened and hashed, and took longer than everything else of a hit.
 * What is encoded differently from what the caller said (escapes, tuples, booleans, tenants, hashes) stands in an index of its own,
 * where no caller's string is looked up: `'!t'` is not `true`, nor `'#1'` the number.
 */
export class KeySpace {
  readonly prefix: string;
  /** The number of the space, in the column of its slots. */
  readonly id: number;
  #parts = new Map<LocalKey, number>();
  #encoded = new Map<string, number>();

  constructor(prefix: string, id: number) {
    this.prefix = prefix;
    this.id = id;
  }

  /** The slot of a key that is one string or one number, or -1. For a string that needs encoding always -1. */
  find(part: LocalKey): number {
    const slot = this.#parts.get(part);
    return slot === undefined ? NO_SLOT : slot;
  }

  /** The slot of an encoded key, given without its prefix, or -1. */
  locate(rest: string): number {
    const slot = this.#parts.get(rest) ?? this.#encoded.get(rest);
    if (slot !== undefined) {
      return slot;
    }
    const number = numberOf(rest);
    return number === undefined ? NO_SLOT : this.find(number);
  }

  /** Indexes a slot; what it is known by from then on. `part`: as in `L1Fill`. */
  put(rest: string, slot: number, part: LocalKey | undefined): LocalKey {
    const local = part ?? numberOf(rest) ?? rest;
    if (part !== undefined || typeof local === 'number' || encodeKey('', local) === local) {
      this.#parts.set(local, slot);
    } else {
      this.#encoded.set(rest, slot);
    }
    return local;
  }

  remove(local: LocalKey): void {
    if (!this.#parts.delete(local)) {
      this.#encoded.delete(local as string);
    }
  }

  /** The full key again. */
  keyOf(local: LocalKey): string {
    return typeof local === 'number' ? `${this.prefix}#${local}` : this.prefix + local;
  }

  /** Empties it; what it held. */
  clear(): readonly LocalKey[] {
    const held = [...this.#parts.keys(), ...this.#encoded.keys()];
    this.#parts = new Map();
    this.#encoded = new Map();
    return held;
  }
}

const NUMBER_MARK = 0x23;

/** The number that a rest such as `#42` is the encoding of. */
function numberOf(rest: string): number | undefined {
  if (rest.charCodeAt(0) !== NUMBER_MARK) {
    return undefined;
  }
  const number = Number(rest.slice(1));
  // Not `#007`, `#0x7` or `#`: those mean no number of ours, and must not reach one.
  return String(number) === rest.slice(1) && Number.isFinite(number) ? number : undefined;
}
