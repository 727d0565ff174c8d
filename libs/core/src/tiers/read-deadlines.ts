import { Chain, type Linked } from '../coherence/chain.js';
import type { Clock, TimerHandle } from '../clock/clock.js';
import { TierError } from '../errors.js';
import type { ReadSink, TierRead } from './tier.js';

/** A timer that fires this many ms late was held up by a blocked event loop, and so were answers that have long arrived. */
const STALL = 50;
/** What such answers are given to be heard, ms. */
const SECOND_CHANCE = 10;

/** The sink of a guarded read. */
export interface GuardedSink extends Omit<ReadSink, 'onSent'> {
  /** `since`: the reading with which the read began. Ages that count from there come out too old by a tick, never too young. */
  onSent(since: number): void;
}

/** A read under way: answers its sink once, whichever comes first, the tier or the deadline. */
class PendingRead implements ReadSink, Linked<PendingRead> {
  readonly startedAt: number;
  previous: PendingRead | undefined;
  next: PendingRead | undefined;
  readonly #sink: GuardedSink;
  readonly #deadlines: ReadDeadlines;
  #answered = false;

  constructor(sink: GuardedSink, deadlines: ReadDeadlines, startedAt: number) {
    this.#sink = sink;
    this.#deadlines = deadlines;
    this.startedAt = startedAt;
  }

  onSent(): void {
    if (!this.#answered) {
      this.#sink.onSent(this.startedAt);
    }
  }

  onRead(read: TierRead): void {
    if (!this.#answered) {
      this.#answered = true;
      this.#deadlines.answered(this);
      this.#sink.onRead(read);
    }
  }

  onUnavailable(error: unknown): void {
    if (!this.#answered) {
      this.#answered = true;
      this.#deadlines.failed(this, error);
      this.#sink.onUnavailable(error);
    }
  }
}

/** An error the server answered with proves that it is there; only silence and lost connections count against it. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * One deadline for every read, kept by one timer: all deadlines are equally long, so they end in order of their start. Answered reads leave
 * the list at once; kept until the deadline they would fill the old generation with what should have died young.
 */
export class ReadDeadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #report: (failed: boolean) => void;
  readonly #pending = new Chain<PendingRead>();
  #timer: TimerHandle | undefined;
  #dueAt = 0;

  /** `report` is told of each outcome; an answer slower than half the deadline counts as a failure. */
  constructor(clock: Clock, ms: number, report: (failed: boolean) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#report = report;
  }

  guard(sink: GuardedSink): ReadSink {
    const read = new PendingRead(sink, this, this.#clock.now());
    this.#pending.add(read);
    if (this.#timer === undefined) {
      this.#arm(read.startedAt + this.#ms, read.startedAt);
    }
    return read;
  }

  answered(read: PendingRead): void {
    this.#pending.remove(read);
    this.#report(this.#clock.now() - read.startedAt > this.#ms / 2);
  }

  failed(read: PendingRead, error: unknown): void {
    this.#pending.remove(read);
    this.#report(!isReply(error));
  }

  #arm(dueAt: number, now: number): void {
    this.#dueAt = dueAt;
    this.#timer = this.#clock.setTimeout(this.#sweep, Math.max(1, dueAt - now));
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const now = this.#clock.now();
    if (this.#pending.first !== undefined && now - this.#dueAt > STALL) {
      // Timers run before sockets are read: first hear what arrived while we were blocked.
      this.#arm(now + SECOND_CHANCE, now);
      return;
    }
    while (this.#pending.first !== undefined && now - this.#pending.first.startedAt >= this.#ms) {
      this.#pending.first.onUnavailable(new TierError(`the second tier did not answer a read within ${this.#ms} ms`));
    }
    if (this.#pending.first !== undefined && this.#timer === undefined) {
      this.#arm(this.#pending.first.startedAt + this.#ms, now);
    }
  };

  dispose(): void {
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
    }
    while (this.#pending.first !== undefined) {
      this.#pending.first.onUnavailable(new TierError('the engine was closed before the second tier answered'));
    }
  }
}
