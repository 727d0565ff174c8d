import type { Clock, TimerHandle } from '@strata-cache/core';

interface Sleeper {
  readonly wake: () => void;
  readonly timer: TimerHandle;
}

/** Who waits for the end of which lease. */
export class WakeList {
  readonly #clock: Clock;
  readonly #sleepers = new Map<string, Set<Sleeper>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the key is woken, or after `ms`. */
  wait(key: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const all = this.#sleepers.get(key) ?? new Set();
      this.#sleepers.set(key, all);
      const sleeper: Sleeper = {
        wake: () => {
          this.#clock.clearTimeout(sleeper.timer);
          all.delete(sleeper);
          if (all.size === 0 && this.#sleepers.get(key) === all) {
            this.#sleepers.delete(key);
          }
          resolve();
        },
        timer: this.#clock.setTimeout(() => sleeper.wake(), ms),
      };
      all.add(sleeper);
    });
  }

  wake(key: string): void {
    for (const sleeper of this.#sleepers.get(key) ?? []) {
      sleeper.wake();
    }
  }

  wakeAll(): void {
    for (const key of this.#sleepers.keys()) {
      this.wake(key);
    }
  }
}
