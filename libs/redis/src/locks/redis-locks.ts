import {
  Background,
  type Clock,
  type Lease,
  type LeaseEnd,
  LockError,
  type Locker,
  type LockRequest,
  type Observer,
} from '@strata-cache/core';
import { randomBytes } from 'node:crypto';
import { LockCalls, type AcquireAnswer, type LockCall, type LockCallsOptions } from './lock-calls.js';
import { LockGate } from './lock-gate.js';
import { LockNames, named } from './lock-keys.js';
import { LockWaiter } from './lock-waiter.js';
import { leftOf } from './lease-time.js';
import { RedisLease, type LeaseServer } from './redis-lease.js';
import type { Gate, Topology } from '../topology.js';

/** How often a waiter asks, if nobody wakes it: also its sign of life. ms */
const POLL = 1_000;
/** Between two attempts while Redis cannot be reached, ms. */
const PAUSE = 50;
/** ms that closing waits for what must still be told to the server. */
const CLOSE_LIMIT = 3_000;

export interface RedisLockerParts extends LockCallsOptions {
  readonly namespace: string;
  readonly shards: number;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Opens connections; called when the first lock is asked for. */
  readonly connect: (gate: Gate, onWarning: (message: string) => void) => Topology;
}

/**
 * Locks on Redis, fair across processes: whoever has to wait queues up there and sleeps until it is his turn. The next in the queue is
 * woken by the release; timers cover what can be lost. Source: docs/protocol.md 12.
 */
export class RedisLocker implements Locker {
  readonly #parts: RedisLockerParts;
  readonly #instance = randomBytes(12).toString('base64url');
  readonly #names: LockNames;
  readonly #gate: LockGate;
  readonly #calls: LockCalls;
  readonly #background: Background;
  readonly #waiting = new Map<number, { readonly call: LockCall; readonly waiter: LockWaiter }>();
  readonly #held = new Set<RedisLease>();
  #topology: Topology | undefined;
  #lastNumber = 0;
  #closed = false;

  constructor(parts: RedisLockerParts) {
    const { namespace, shards, clock, observer, sharded } = parts;
    this.#parts = parts;
    this.#names = new LockNames(namespace, shards, sharded);
    this.#gate = new LockGate(this.#names, { instance: this.#instance, shards, sharded }, clock, {
      onWake: (number) => this.#waiting.get(number)?.waiter.wake(),
      onHearing: () => this.#wakeAll(),
      onWarning: (message) => this.#warn(message),
    });
    this.#calls = new LockCalls(this.#gate, clock, parts);
    this.#background = new Background(observer);
  }

  async take(request: LockRequest, ended: (how: LeaseEnd) => void): Promise<Lease | null> {
    const call = this.#begin(request);
    this.#topology ??= this.#connect();
    const waiter = new LockWaiter(this.#parts.clock, request.signal);
    this.#waiting.set(call.number, { call, waiter });
    try {
      const lease = await this.#contend(call, request, waiter, ended);
      if (lease === null && request.wait > 0) {
        this.#tidy(call);
      }
      return lease;
    } catch (error) {
      // It may still be in the queue, or even have been granted the lock by a command whose answer was lost.
      this.#tidy(call);
      throw error;
    } finally {
      this.#waiting.delete(call.number);
      waiter.leave();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const cancelled = Array.from(this.#waiting.values(), async ({ call, waiter }) => {
      waiter.interrupt(new LockError(`${named(call.key)}: the lock service was closed while waiting`));
      await this.#calls.cancel(call);
    });
    const released = Array.from(this.#held, async (lease) => lease.revoke());
    await Promise.allSettled([...cancelled, ...released]);
    await this.#background.drain(this.#parts.clock, CLOSE_LIMIT);
    this.#gate.close();
    this.#topology?.close();
  }

  async #contend(
    call: LockCall,
    request: LockRequest,
    waiter: LockWaiter,
    ended: (how: LeaseEnd) => void,
  ): Promise<Lease | null> {
    const { clock } = this.#parts;
    const until = clock.now() + request.wait;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#ask(call, waiter, clock.now() < until);
      const over = clock.now() >= until;
      if (answer.kind === 'granted') {
        waiter.throwIfInterrupted();
        if (leftOf(clock, answer.sent, request.ttl) > 0) {
          return this.#hold(call, request, answer, ended);
        }
        // The answer took so long that the grant may have ended meanwhile: the same ticket asks again, or gives it back.
        if (over) {
          this.#tidy(call);
        }
      } else if (answer.kind === 'failed') {
        this.#giveUpOn(call, answer.error, over);
      } else if (attempt === 1) {
        request.queueLength = answer.ahead;
      }
      if (over) {
        return null;
      }
      const pause = answer.kind === 'busy' ? Math.min(answer.retryIn + 1, spread(POLL)) : spread(PAUSE);
      await waiter.sleep(Math.min(pause, until - clock.now()));
      if (clock.now() >= until) {
        if (answer.kind === 'failed') {
          this.#giveUpOn(call, answer.error, true);
        }
        return null;
      }
    }
  }

  async #ask(
    call: LockCall,
    waiter: LockWaiter,
    queue: boolean,
  ): Promise<AcquireAnswer | { readonly kind: 'failed'; readonly error: unknown }> {
    waiter.throwIfInterrupted();
    try {
      return await waiter.unless(this.#calls.acquire(call, queue));
    } catch (error) {
      waiter.throwIfInterrupted();
      return { kind: 'failed', error };
    }
  }

  /** Not granted and not refused either: nobody can say, which is an error of its own. */
  #giveUpOn(call: LockCall, error: unknown, over: boolean): void {
    if (!over && !LockCalls.isFinal(error)) {
      return;
    }
    if (error instanceof LockError) {
      throw error;
    }
    throw new LockError(`${named(call.key)}: Redis could not be asked for it`, 'ERR_LOCK', error);
  }

  #hold(
    call: LockCall,
    { key, ttl, renew }: LockRequest,
    { token, sent }: AcquireAnswer & { kind: 'granted' },
    ended: (how: LeaseEnd) => void,
  ): RedisLease {
    const server: LeaseServer = {
      prolong: async (next, generation) => this.#calls.prolong(call, next, generation),
      insistProlong: async (next, generation, goOn) => this.#calls.insistProlong(call, next, generation, goOn),
      unlock: async (goOn) => this.#calls.unlock(call, goOn),
      ended: (lease, how, forgotten) => {
        this.#held.delete(lease);
        ended(how);
        if (forgotten) {
          this.#tidy(call);
        }
      },
    };
    const lease = new RedisLease({ key, token, ttl, renew, sent }, this.#parts.clock, server);
    this.#held.add(lease);
    return lease;
  }

  #begin({ key, name, ttl }: LockRequest): LockCall {
    if (this.#closed) {
      throw new LockError(`${named(key)}: the lock service is closed`);
    }
    const number = ++this.#lastNumber;
    return { key, keys: this.#names.of(name), ticket: `${this.#instance}.${number}`, number, ttl, over: false };
  }

  /** Where this fails, the server finds out by itself: waiters that do not ask again are dropped, grants end. */
  #tidy(call: LockCall): void {
    call.over = true;
    if (!this.#closed) {
      this.#background.run('lock.cancel', async () => this.#calls.cancel(call));
    }
  }

  #connect(): Topology {
    const topology = this.#parts.connect(this.#gate, (message) => this.#warn(message));
    topology.start();
    return topology;
  }

  #wakeAll(): void {
    for (const { waiter } of this.#waiting.values()) {
      waiter.wake();
    }
  }

  #warn(message: string): void {
    this.#parts.observer.notice?.({ level: 'warn', name: 'locks.redis', message });
  }
}

/** In the upper half of `ms`: many who wait do not ask in step. */
function spread(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
