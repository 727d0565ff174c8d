/** Versions remembered; the oldest is forgotten beyond it, and its key then orders by arrival again. */
const MAX_REMEMBERED = 100_000;

/** The highest version written per key, for `set(..., { version })` without a second tier. It survives deletes on purpose. */
export class VersionLedger {
  readonly #versions = new Map<string, number>();

  /** False when a higher version was written before. */
  admit(key: string, version: number): boolean {
    const highest = this.#versions.get(key);
    if (highest !== undefined && version < highest) {
      return false;
    }
    this.#versions.delete(key);
    this.#versions.set(key, version);
    if (this.#versions.size > MAX_REMEMBERED) {
      this.#versions.delete(this.#versions.keys().next().value as string);
    }
    return true;
  }
}
