/** First pause after a failed refresh, ms; doubled by every further failure. */
const FIRST = 1_000;
const LONGEST = 30_000;
const MAX_REMEMBERED = 10_000;

/**
 * Pauses between failed refreshes of a key whose stale value still answers, so that a failing source is not asked on every read.
 * Bounded: beyond 10,000 failing keys the oldest is forgotten, which costs one extra try.
 */
export class Backoff {
  readonly #failures = new Map<string, { count: number; until: number }>();

  /** Whether a refresh should wait. */
  isPaused(key: string, now: number): boolean {
    if (this.#failures.size === 0) {
      return false;
    }
    const failure = this.#failures.get(key);
    return failure !== undefined && now < failure.until;
  }

  failed(key: string, now: number): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const pause = Math.min(FIRST * 2 ** (count - 1), LONGEST);
    this.#failures.delete(key);
    // Full jitter on the upper half: instances that failed together do not come back together.
    this.#failures.set(key, { count, until: now + pause * (0.5 + 0.5 * Math.random()) });
    if (this.#failures.size > MAX_REMEMBERED) {
      this.#failures.delete(this.#failures.keys().next().value as string);
    }
  }

  succeeded(key: string): void {
    if (this.#failures.size > 0) {
      this.#failures.delete(key);
    }
  }
}
