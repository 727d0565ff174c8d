/** Lets at most `limit` loads of a cache run at once; the others wait in order of arrival. */
export class LoadLimiter {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  /** Takes a place; false when none is free: then `wait` for one. */
  enter(): boolean {
    if (this.#running < this.#limit) {
      this.#running++;
      return true;
    }
    return false;
  }

  /** Calls `go` once a place is its own. */
  wait(go: () => void): void {
    this.#waiting.push(go);
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#running--;
    } else {
      // The leaver hands its place over, so `#running` does not change. Not from within its end, nor one inside the other.
      queueMicrotask(next);
    }
  }
}
