/** Vacant places kept beyond those in use: enough for a burst of reads to end and the next one to begin. */
const SPARE = 1_024;

/**
 * What is under way, by key: a Map whose deleted places are kept for the next user of the key, and thrown away together once they
 * outnumber those in use.
 *
 * Why not `Map.delete`: a small Map makes a new table at nearly every deletion, and each old table points to the one after it. As soon as
 * one of them is old to the garbage collector, every later one survives with all it refers to; that was a third of the time of a read.
 */
export class KeyTable<T extends object> {
  #places = new Map<string, T | null>();
  #vacant = 0;

  get size(): number {
    return this.#places.size - this.#vacant;
  }

  /** Those in use and the vacant ones: bounded by twice `size` and a few. */
  get places(): number {
    return this.#places.size;
  }

  get(key: string): T | undefined {
    return this.#places.get(key) ?? undefined;
  }

  /** What it takes the place of. */
  set(key: string, value: T): T | undefined {
    const before = this.#places.get(key);
    if (before === null) {
      this.#vacant--;
    }
    this.#places.set(key, value);
    return before ?? undefined;
  }

  /** Unless another value has taken the place. */
  delete(key: string, value: T): void {
    if (this.#places.get(key) === value) {
      this.#places.set(key, null);
      this.#vacant++;
      if (this.#vacant > this.size + SPARE) {
        this.#sweep();
      }
    }
  }

  *values(): Iterable<T> {
    for (const value of this.#places.values()) {
      if (value !== null) {
        yield value;
      }
    }
  }

  #sweep(): void {
    const kept = new Map<string, T | null>();
    for (const [key, value] of this.#places) {
      if (value !== null) {
        kept.set(key, value);
      }
    }
    this.#places = kept;
    this.#vacant = 0;
  }
}
