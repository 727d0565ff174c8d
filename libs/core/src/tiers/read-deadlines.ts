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
  /** The round trip it is part of, by number. */
  readonly trip: number;
  previous: PendingRead | undefined;
  next: PendingRead | undefined;
  readonly #sink: GuardedSink;
  readonly #deadlines: ReadDeadlines;
  #answered = false;

  constructor(sink: GuardedSink, deadlines: ReadDeadlines, startedAt: number, trip: number) {
    this.#sink = sink;
    this.#deadlines = deadlines;
    this.startedAt = startedAt;
    this.trip = trip;
  }

  onSent(): void {
    this.#deadlines.sent(this);
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
 * Told of each outcome. `bad`: it counts against the tier (silence, or an answer slower than half the deadline); `failed`: there was no answer;
 * `first`: of the reads that share its round trip, this is the first to be told.
 */
export type ReadReport = (bad: boolean, ms: number, failed: boolean, first: boolean) => void;

/**
 * One deadline for every read, kept by one timer: all deadlines are equally long, so they end in order of their start. Answered reads leave
 * the list at once; kept until the deadline they would fill the old generation with what should have died young.
 */
export class ReadDeadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #report: ReadReport;
  readonly #pending = new Chain<PendingRead>();
  #timer: TimerHandle | undefined;
  #dueAt = 0;
  /** Reads that begin before the next ones leave will travel with them. */
  #trip = 1;
  #reported = 0;

  constructor(clock: Clock, ms: number, report: ReadReport) {
    this.#clock = clock;
    this.#ms = ms;
    this.#report = report;
  }

  guard(sink: GuardedSink): ReadSink {
    const read = new PendingRead(sink, this, this.#clock.now(), this.#trip);
    this.#pending.add(read);
    if (this.#timer === undefined) {
      this.#arm(read.startedAt + this.#ms, read.startedAt);
    }
    return read;
  }

  sent({ trip }: PendingRead): void {
    if (trip === this.#trip) {
      this.#trip++;
    }
  }

  answered(read: PendingRead): void {
    this.#pending.remove(read);
    this.#tell(read, undefined);
  }

  failed(read: PendingRead, error: unknown): void {
    this.#pending.remove(read);
    // One that never left: nothing else would begin the next trip.
    this.sent(read);
    this.#tell(read, error);
  }

  #tell(read: PendingRead, error: unknown): void {
    const first = read.trip !== this.#reported;
    this.#reported = read.trip;
    const ms = this.#clock.now() - read.startedAt;
    this.#report(error === undefined ? ms > this.#ms / 2 : !isReply(error), ms, error !== undefined, first);
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
