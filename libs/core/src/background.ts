import type { Clock } from './clock/clock.js';
import type { Observer } from './observer.js';

/**
 * The one room for detached work. It tracks what runs, never rejects, and is drained at shutdown.
 */
export class Background {
  readonly #observer: Observer;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#running;
  }

  /** Starts `work` and forgets it; a failure becomes a notice. */
  run(name: string, work: () => Promise<unknown>): void {
    this.enter();
    Promise.resolve()
      .then(work)
      .catch((error: unknown) => this.#observer.notice?.({ level: 'warn', name, message: String(error) }))
      .finally(() => this.leave());
  }

  /** Work that is no promise begins here: whoever calls this calls `leave` exactly once. */
  enter(): void {
    this.#running++;
  }

  leave(): void {
    if (--this.#running === 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      waiting.forEach((wake) => wake());
    }
  }

  /** Resolves when everything has ended, or after `limit` ms; true when nothing is left. */
  async drain(clock: Clock, limit: number): Promise<boolean> {
    let timedOut = false;
    let wake: () => void = () => undefined;
    const timer = clock.setTimeout(() => {
      timedOut = true;
      wake();
    }, limit);
    // The clock's timers keep no process alive; with nothing else left, `await close()` would end it in the middle.
    const alive = setInterval(() => undefined, limit);
    while (this.#running > 0 && !timedOut) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiting.push(resolve);
      });
    }
    clearInterval(alive);
    clock.clearTimeout(timer);
    return this.#running === 0;
  }
}

/** Whoever awaits `promise` still sees it fail; a failure that nobody awaits is no crash of the process. */
export function markHandled(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}
