import type { Clock, TimerHandle } from '../clock/clock.js';

interface FakeTimer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock steered by hand: it stands still until `advance`. It cannot steer Redis. */
export class FakeClock implements Clock {
  #now = 1_000;
  #wall: number;
  readonly #timers = new Set<FakeTimer>();

  /** @param startedAt wall-clock ms it starts at */
  constructor(startedAt = Date.UTC(2026, 0, 1)) {
    this.#wall = startedAt;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wall;
  }

  setTimeout(run: () => void, ms: number): TimerHandle {
    const timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle): void {
    this.#timers.delete(timer as FakeTimer);
  }

  /** Timers still pending. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, running due timers in order and letting promises settle before and after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#moveTo(next.at);
      next.run();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  /** Moves on without running timers: a process that was stopped, or an event loop that was blocked. */
  jump(ms: number): void {
    this.#moveTo(this.#now + ms);
  }

  /** The machine slept: only the wall clock went on. */
  sleep(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(now: number): void {
    if (now > this.#now) {
      this.#wall += now - this.#now;
      this.#now = now;
    }
  }

  #next(end: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Lets every promise that can settle do so, I/O-free: several turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
