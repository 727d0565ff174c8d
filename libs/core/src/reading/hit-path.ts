import type { CacheRuntime } from '../cache-runtime.js';
import type { CoarseClock } from '../clock/coarse-clock.js';
import type { Coherence } from '../coherence/coherence.js';
import type { TagLedger } from '../coherence/tag-ledger.js';
import type { KeyPart } from '../definition.js';
import type { Engine } from '../engine.js';
import type { CacheStats } from '../stats.js';
import type { L1Space, L1Store } from '../tiers/l1-store.js';

/** A key as the definition made it: one part, or several. */
export type KeyParts = KeyPart | readonly KeyPart[];

/** L1 hits of one cache: no allocation, one reading of a clock. Everything it needs is a field of its own: chains of loads are most of a hit. */
export class HitPath {
  readonly #runtime: CacheRuntime;
  readonly #stats: CacheStats;
  readonly #l1: L1Store;
  readonly #space: L1Space;
  readonly #coherence: Coherence;
  readonly #ledger: TagLedger;
  readonly #coarse: CoarseClock;
  readonly #encoded: boolean;

  constructor(runtime: CacheRuntime, { l1, coherence, coarse }: Engine) {
    this.#runtime = runtime;
    this.#stats = runtime.stats;
    this.#l1 = l1;
    this.#space = l1.space(runtime.prefix);
    this.#coherence = coherence;
    this.#ledger = coherence.ledger;
    this.#coarse = coarse;
    this.#encoded = runtime.definition.tenant !== undefined;
  }

  /** The slot of an entry that may answer as it is, counted as a hit; -1 for everything that needs a closer look. */
  find(parts: KeyParts): number {
    const slot = this.#slotOf(parts);
    const l1 = this.#l1;
    if (slot < 0 || l1.sequence[slot] < this.#ledger.sequence) {
      return -1;
    }
    const checkAt = l1.checkAt[slot];
    // Deciding bounded staleness takes a real reading; it then decides the ttl as well.
    const fresh = this.#coherence.bounded
      ? this.#coherence.vouchesUntil(checkAt) || this.#coherence.vouches(slot, checkAt)
      : this.#coarse.now() < checkAt;
    if (!fresh) {
      return -1;
    }
    l1.touch(slot);
    this.#stats.hits++;
    const stored = l1.values[slot];
    if (stored === null || stored === undefined) {
      this.#stats.negative++;
    }
    return slot;
  }

  /** What a caller who awaits a hit is given. */
  answer(slot: number): Promise<unknown> {
    return this.#runtime.boxes ? Promise.resolve(this.#runtime.open(this.#l1.values[slot])) : this.#l1.promiseOf(slot);
  }

  /** One string or number is looked up as it is: making its key would cost more than all the rest of a hit. */
  #slotOf(parts: KeyParts): number {
    if (this.#encoded || (typeof parts !== 'string' && typeof parts !== 'number')) {
      return this.#space.locate(this.#runtime.restOf(parts));
    }
    const slot = this.#space.find(parts);
    if (slot >= 0 || typeof parts === 'number') {
      return slot;
    }
    const rest = this.#runtime.restOf(parts);
    return rest === parts ? slot : this.#space.locate(rest);
  }
}
