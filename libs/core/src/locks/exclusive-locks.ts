import { markHandled } from '../background.js';
import type { Clock } from '../clock/clock.js';
import { duration, show } from '../duration.js';
import { LeaseLostError, LockError, LockTimeoutError } from '../errors.js';
import type { Observer, Operation } from '../observer.js';
import { BorrowedLease } from './borrowed-lease.js';
import type { Lease, LockOptions, Locks, LockStats } from './lock.js';
import { LOCK_DEFAULTS, readRequest, type LeaseEnd, type LockRequest } from './lock-request.js';
import { Reentrance } from './reentrance.js';

/** What an implementation of locks brings: who gets the lock, and when. */
export interface Locker {
  /**
   * Null when not granted within `request.wait`. `ended` is called once, at the end of the lease it returned.
   * @throws LockError when it cannot tell; what `request.signal` is aborted with
   */
  take(request: LockRequest, ended: (how: LeaseEnd) => void): Promise<Lease | null>;
  /** Refuses whoever waits and whoever comes, and releases what is held: `signal` of each lease is aborted before. */
  close(): Promise<void>;
}

/** The lock service on top of any {@link Locker}: what `withLock` promises is the same in process and on Redis. */
export class ExclusiveLocks implements Locks {
  readonly #locker: Locker;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #reentrance = new Reentrance();
  #waiting = 0;
  #granted = 0;
  #refused = 0;
  #ended = 0;
  #lost = 0;
  #closed = false;

  constructor(locker: Locker, clock: Clock, observer: Observer = {}) {
    this.#locker = locker;
    this.#clock = clock;
    this.#observer = observer;
  }

  async withLock<T>(key: string, routine: (lease: Lease) => Promise<T> | T, options: LockOptions = {}): Promise<T> {
    const request = readRequest(key, options, duration(LOCK_DEFAULTS.wait));
    const outer = this.#outer(request);
    if (outer !== undefined) {
      const result = await routine(outer);
      // The outer call may have lost the lock, or have given it back without waiting for this one.
      outer.assertHeld();
      return result;
    }
    const ending: Ending = {};
    const lease = required(request, await this.#take(request, ending));
    // Over when the routine is, not when the lock is back: what it has left running then waits for the lock like anybody else.
    const run = request.reentrant
      ? async (): Promise<T> => this.#reentrance.run(lease, async () => routine(lease))
      : async (): Promise<T> => routine(lease);
    return this.#observe('lock.hold', request, async (operation) => {
      try {
        return await this.#runUnder(lease, run);
      } finally {
        operation.outcome = ending.how ?? 'released';
      }
    });
  }

  async acquire(key: string, options: LockOptions = {}): Promise<Lease> {
    const request = readRequest(key, options, duration(LOCK_DEFAULTS.wait));
    return this.#outer(request) ?? required(request, await this.#hand(request));
  }

  async tryAcquire(key: string, options: LockOptions = {}): Promise<Lease | null> {
    const request = readRequest(key, options, 0);
    return this.#outer(request) ?? this.#hand(request);
  }

  stats(): LockStats {
    return {
      held: this.#granted - this.#ended,
      waiting: this.#waiting,
      granted: this.#granted,
      refused: this.#refused,
      lost: this.#lost,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#locker.close();
  }

  /** A lease whose end is somebody else's doing; its time is observed all the same. */
  async #hand(request: LockRequest): Promise<Lease | null> {
    const ending: Ending = {};
    const lease = await this.#take(request, ending);
    if (lease !== null && this.#observer.around !== undefined) {
      const held = this.#observe('lock.hold', request, async (operation) => {
        operation.outcome = ending.how ?? (await new Promise<LeaseEnd>((resolve) => (ending.tell = resolve)));
      });
      markHandled(held);
    }
    return lease;
  }

  async #take(request: LockRequest, ending: Ending): Promise<Lease | null> {
    if (this.#closed) {
      throw new LockError(`lock ${show(request.key)}: the lock service is closed`);
    }
    const since = this.#clock.now();
    let grantedAt = 0;
    const ended = (how: LeaseEnd): void => {
      this.#ended++;
      this.#observer.timed?.('lock.hold', this.#clock.now() - grantedAt, '', '', how === 'released');
      if (how === 'lost') {
        this.#lost++;
        const message = `lock ${show(request.key)}: the lease was lost while it was held`;
        this.#observer.notice?.({ level: 'warn', name: 'lock.lost', message });
      }
      ending.how = how;
      ending.tell?.(how);
    };
    this.#waiting++;
    try {
      return await this.#observe('lock.wait', request, async (operation) => {
        let granted = false;
        try {
          const lease = await this.#locker.take(request, ended);
          granted = lease !== null;
          operation.outcome = granted ? 'granted' : 'refused';
          grantedAt = this.#clock.now();
          this.#granted += granted ? 1 : 0;
          this.#refused += granted ? 0 : 1;
          return lease;
        } finally {
          operation.queueLength = request.queueLength;
          this.#observer.timed?.('lock.wait', this.#clock.now() - since, '', '', granted);
        }
      });
    } finally {
      this.#waiting--;
    }
  }

  async #runUnder<T>(lease: Lease, routine: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await routine();
    } catch (error) {
      // The routine's own error is the one to report, also when the lease was lost meanwhile.
      await lease.release().catch(() => undefined);
      throw error;
    }
    try {
      await lease.release();
    } catch (error) {
      if (error instanceof LeaseLostError) {
        throw error;
      }
      // It was held to the routine's end, and nobody could tell the server: what was done is done, the lock ends by its ttl.
      this.#observer.notice?.({ level: 'warn', name: 'lock.release', message: (error as Error).message });
    }
    return result;
  }

  /** The lease a reentrant caller runs under already. */
  #outer({ key, reentrant }: LockRequest): Lease | undefined {
    const lease = reentrant ? this.#reentrance.find(key) : undefined;
    lease?.assertHeld();
    return lease && new BorrowedLease(lease);
  }

  #observe<T>(
    kind: 'lock.wait' | 'lock.hold',
    { key }: LockRequest,
    run: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    const operation: Operation = { kind, cache: '', key };
    return this.#observer.around === undefined
      ? run(operation)
      : this.#observer.around(operation, async () => run(operation));
  }
}

/** How a lease has ended, once it has. */
interface Ending {
  how?: LeaseEnd;
  tell?: (how: LeaseEnd) => void;
}

function required({ key, wait }: LockRequest, lease: Lease | null): Lease {
  if (lease === null) {
    throw new LockTimeoutError(
      `lock ${show(key)}: not granted within ${wait} ms; raise \`wait\`, or shorten what is done under the lock`,
    );
  }
  return lease;
}
