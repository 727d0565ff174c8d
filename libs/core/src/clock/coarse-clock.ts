import { systemClock, type Clock, type TimerHandle } from './clock.js';

/** Readings a cached instant may serve: bounds how long it stands still inside one chain of microtasks. */
const READINGS = 64;
/** ms a cached instant may serve across turns of the event loop. */
const LIFE = 1;

/**
 * A clock for deciding ttl that costs a few ns under load, where an exact one costs 50 to 60.
 *
 * Only a burst (two exact readings less than 1 ms apart) makes it cache the instant, for at most 64 readings and until a 1 ms timer
 * fires; a quiet process reads the exact clock every time and arms no timer. Never use it to decide bounded staleness: after SIGSTOP
 * the first callbacks would still see the instant of the stop.
 */
export class CoarseClock {
  readonly #clock: Clock;
  readonly #exact: boolean;
  #cached = 0;
  #left = 0;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    // A fake clock is steered by hand and must be followed exactly.
    this.#exact = clock !== systemClock;
  }

  now(): number {
    if (this.#left > 0) {
      this.#left--;
      return this.#cached;
    }
    return this.#read();
  }

  /** Never reads as earlier than this exact instant from now on. */
  reach(instant: number): void {
    if (this.#cached < instant) {
      this.#cached = instant;
    }
  }

  #read(): number {
    const now = this.#clock.now();
    if (!this.#exact && now - this.#cached < LIFE) {
      this.#left = READINGS;
      this.#timer ??= this.#clock.setTimeout(this.#expire, LIFE);
    }
    this.#cached = now;
    return now;
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    this.#left = 0;
  };
}
