import type { Clock, TimerHandle } from '@strata-cache/core';

/** Somebody who waits for a lock. One thing is awaited at a time. */
export class LockWaiter {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  /** A wake-up that came between two sleeps counts for the next one: its message may be read before the answer it stands behind is. */
  #woken = false;
  #reason: unknown;
  #interrupted = false;
  #wake: (() => void) | undefined;
  #refuse: ((reason: Error) => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) {
      // Since it was looked at first an observer has run, who may have taken his time.
      this.#onAbort();
    }
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Whatever is awaited rejects with `reason` at once. */
  interrupt(reason: unknown): void {
    this.#interrupted = true;
    this.#reason = reason;
    this.#refuse?.(reason as Error);
  }

  leave(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  throwIfInterrupted(): void {
    if (this.#interrupted) {
      throw this.#reason;
    }
  }

  /** Until it is woken, or `ms` have passed. */
  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      let timer: TimerHandle | undefined;
      const nap = new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = this.#clock.setTimeout(resolve, ms);
      });
      try {
        await this.unless(nap);
      } finally {
        this.#clock.clearTimeout(timer!);
        this.#wake = undefined;
      }
    }
    this.#woken = false;
  }

  /** What `work` brings, unless it is interrupted before. */
  unless<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      work.then(resolve, reject);
      if (this.#interrupted) {
        reject(this.#reason as Error);
      }
    });
  }

  readonly #onAbort = (): void => this.interrupt(this.#signal?.reason);
}
