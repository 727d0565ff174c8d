import type { Background } from '../background.js';
import type { Clock, TimerHandle } from '../clock/clock.js';

export type BreakerState = 'closed' | 'open';

/** Outcomes remembered. */
const WINDOW = 20;
/** Failures in the window that open it, if they are at least half of it. */
const MIN_FAILURES = 5;
/** First and longest time between probes while open, ms; the longest keeps recovery well under 2 s. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 800;

/**
 * Stops asking a tier that fails or is slow, and notices by itself when it is back: while open it sends its own probes, so no caller ever
 * pays for finding out.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #background: Background;
  readonly #probe: () => Promise<unknown>;
  readonly #onChange: (state: BreakerState) => void;
  readonly #failed: boolean[] = [];
  #state: BreakerState = 'closed';
  #pause = FIRST_PAUSE;
  #timer: TimerHandle | undefined;
  #closedForGood = false;

  /** `probe` resolves when the tier answers in time. */
  constructor(
    clock: Clock,
    background: Background,
    probe: () => Promise<unknown>,
    onChange: (state: BreakerState) => void,
  ) {
    this.#clock = clock;
    this.#background = background;
    this.#probe = probe;
    this.#onChange = onChange;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Counts an outcome; slowness is reported as a failure by the caller. */
  record(failed: boolean): void {
    // Successes count only against failures that are remembered: a healthy tier costs nothing here.
    if (this.#state === 'open' || (!failed && this.#failed.length === 0)) {
      return;
    }
    this.#failed.push(failed);
    if (this.#failed.length > WINDOW) {
      this.#failed.shift();
    }
    if (!failed) {
      return;
    }
    const failures = this.#failed.reduce((count, one) => count + (one ? 1 : 0), 0);
    if (failures >= MIN_FAILURES && failures * 2 >= this.#failed.length) {
      this.#open();
    }
  }

  #open(): void {
    this.#state = 'open';
    this.#pause = FIRST_PAUSE;
    this.#onChange('open');
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closedForGood) {
      return;
    }
    // Jitter: instances that lost the tier together do not probe together.
    const pause = this.#pause * (0.75 + 0.5 * Math.random());
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#timer = this.#clock.setTimeout(() => {
      this.#background.run('l2.probe', () =>
        this.#probe().then(
          () => this.#close(),
          () => this.#schedule(),
        ),
      );
    }, pause);
  }

  #close(): void {
    this.#state = 'closed';
    this.#failed.length = 0;
    this.#onChange('closed');
  }

  /** Ends probing. */
  dispose(): void {
    this.#closedForGood = true;
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
    }
  }
}
