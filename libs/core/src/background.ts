import type { Clock } from './clock/clock.js';
import type { Observer } from './observer.js';

/**
 * The one room for detached work. It tracks what runs, never rejects, and is drained at shutdown.
 */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #observer: Observer;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Starts `work` and forgets it; a failure becomes a notice. */
  run(name: string, work: () => Promise<unknown>): void {
    const tracked: Promise<void> = Promise.resolve()
      .then(work)
      .then(
        () => undefined,
        (error: unknown) => this.#observer.notice?.({ level: 'warn', name, message: String(error) }),
      )
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
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
    const expired = new Promise<void>((resolve) => (wake = resolve));
    while (this.#running.size > 0 && !timedOut) {
      await Promise.race([Promise.all(this.#running), expired]);
    }
    clearInterval(alive);
    clock.clearTimeout(timer);
    return this.#running.size === 0;
  }
}

/** Whoever awaits `promise` still sees it fail; a failure that nobody awaits is no crash of the process. */
export function markHandled(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}
