/** What a key looked like when it was last read: lets the next read ask for all it needs in one trip. */
export interface Remembered {
  readonly stamp: number;
  /** The tags as they stand on the wire; '' when they did not have to be looked up. */
  readonly tagText: string;
  readonly bytes: number;
}

/** Longer tag texts are looked up in a second trip every time: keys times texts must stay bounded. */
const MAX_TAG_TEXT = 2_048;
/** Least recently *written* out: a hint needs no exact order, and reading must cost nothing. */
const MAX_KEYS = 20_000;

/** A bounded memory of keys that are large or whose tags had to be looked up. Forgetting costs a round trip, nothing more. */
export class ReadMemory {
  readonly #byKey = new Map<string, Remembered>();

  get(key: string): Remembered | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(key);
  }

  set(key: string, seen: Remembered): void {
    if (seen.tagText.length > MAX_TAG_TEXT) {
      this.delete(key);
      return;
    }
    if (!this.#byKey.delete(key) && this.#byKey.size >= MAX_KEYS) {
      this.#byKey.delete(this.#byKey.keys().next().value as string);
    }
    this.#byKey.set(key, seen);
  }

  delete(key: string): void {
    if (this.#byKey.size > 0) {
      this.#byKey.delete(key);
    }
  }
}
