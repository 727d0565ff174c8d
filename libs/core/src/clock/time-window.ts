import process from 'node:process';
import { systemClock, type Clock } from './clock.js';

/** As it was when this was loaded: a test that fakes the timers of its process would stop it, and not the engine's clock. */
const { hrtime } = process;

/**
 * A stretch of time found good by a closer look, and the cheapest exact way to ask whether it still lasts.
 *
 * The nanoseconds of `process.hrtime.bigint()`, compared with a cell of a BigInt64Array, never become a BigInt on the heap: 25 ns
 * where `performance.now()` takes 38. Both read the same monotonic clock, and each question takes a reading of its own, so a stop of the
 * process is seen at once.
 */
export class TimeWindow {
  /** The end of the stretch in ms of the engine's clock; `Infinity` while it is shut. */
  end = Infinity;
  readonly #endTicks = new BigInt64Array(1);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is earlier than `end` now. */
  lasts(): boolean {
    return hrtime.bigint() < this.#endTicks[0];
  }

  openUntil(end: number): void {
    // A fake clock runs beside the real one: it is asked itself, each time.
    if (this.#clock !== systemClock || end === this.end) {
      return;
    }
    // Of the two readings the earlier one is what the rest is added to: the window ends early rather than late.
    const ticks = hrtime.bigint();
    const left = end - this.#clock.now();
    if (left > 0) {
      this.#endTicks[0] = ticks + BigInt(Math.floor(left * 1e6));
      this.end = end;
    }
  }

  shut(): void {
    this.end = Infinity;
    this.#endTicks[0] = 0n;
  }
}
