import { markHandled } from '../background.js';
import type { Observer, Operation } from '../observer.js';
import type { Tally } from '../tally.js';
import type { GuardedSink } from './read-deadlines.js';
import type { TierRead } from './tier.js';

/** Counts, times and observes the calls of the second tier. */
export class CallWatch {
  readonly #observer: Observer;
  readonly #tally: Tally;

  constructor(observer: Observer, tally: Tally) {
    this.#observer = observer;
    this.#tally = tally;
  }

  ended(operation: string, ms: number, ok: boolean): void {
    this.#tally.add('calls', [operation, ok ? 'ok' : 'error']);
    this.#observer.timed?.('l2', ms, '', operation, ok);
  }

  around<T>(what: string, key: string | undefined, run: () => Promise<T>): Promise<T> {
    return this.#observer.around === undefined ? run() : this.#observer.around(operationOf(what, key), run);
  }

  /** Whether reads are to be wrapped; without an observer they take the short way. */
  get observes(): boolean {
    return this.#observer.around !== undefined;
  }

  /** A read answers through its sink: a promise is made of it for the observer. */
  read(key: string, sink: GuardedSink, send: (sink: GuardedSink) => void): void {
    const operation = operationOf('read', key);
    const run = (): Promise<void> =>
      new Promise((resolve, reject) => send(new WatchedSink(sink, operation, resolve, reject)));
    // Its failure is the sink's business, and has been told there.
    markHandled(this.#observer.around!(operation, run));
  }
}

class WatchedSink implements GuardedSink {
  readonly #sink: GuardedSink;
  readonly #operation: Operation;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(sink: GuardedSink, operation: Operation, resolve: () => void, reject: (error: unknown) => void) {
    this.#sink = sink;
    this.#operation = operation;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onSent(since: number): void {
    this.#sink.onSent(since);
  }

  onRead(read: TierRead): void {
    this.#operation.outcome = read.status;
    this.#resolve();
    this.#sink.onRead(read);
  }

  onUnavailable(error: unknown): void {
    this.#reject(error);
    this.#sink.onUnavailable(error);
  }
}

/** A key begins with the name of its cache. */
function operationOf(what: string, key: string | undefined): Operation {
  return { kind: `l2.${what}`, cache: key === undefined ? '' : key.slice(0, key.indexOf(':')), key };
}
