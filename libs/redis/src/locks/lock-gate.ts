import type { Clock, TimerHandle } from '@strata-cache/core';
import type { LockNames } from './lock-keys.js';
import type { Link } from '../link.js';
import { retryDelay } from '../profiles.js';
import { ARRIVE } from '../scripts/lock-acquire.js';
import type { Gate } from '../topology.js';

export interface LockGateHooks {
  /** A waiter of this instance is woken. */
  onWake(number: number): void;
  /** Messages may have been missed until now: everybody who waits looks again. */
  onHearing(): void;
  onWarning(message: string): void;
}

/** Longest message that is looked at: the number of a ticket. */
const MAX_WAKE_BYTES = 16;
/** How long it is remembered that a connection was given up, ms: TCP gives its bytes up far sooner. */
const ARRIVAL_TTL = 3_600_000;

/**
 * Which connection leads to which shard for locks. It may be used as soon as it is open: a lock script trusts nothing but what it finds.
 * On the same connection this instance listens on its own channel (one; on Cluster one in each shard), so that who has just queued up
 * cannot miss his turn: the answer and the wake-up come in order, and when the connection breaks both are lost together.
 */
export class LockGate implements Gate {
  readonly #names: LockNames;
  readonly #instance: string;
  readonly #sharded: boolean;
  readonly #clock: Clock;
  readonly #hooks: LockGateHooks;
  readonly #routes: (Link | undefined)[];
  readonly #listening = new WeakSet<object>();
  readonly #openers = new Set<() => void>();
  /** By shard: which connection of this instance leads there, counted. 0: none has yet. */
  readonly #numbers: number[];
  readonly #connections: readonly string[];
  readonly #used = new Set<number>();
  #lastNumber = 0;
  #checked = false;
  #closed = false;

  constructor(
    names: LockNames,
    { instance, shards, sharded }: { readonly instance: string; readonly shards: number; readonly sharded: boolean },
    clock: Clock,
    hooks: LockGateHooks,
  ) {
    this.#names = names;
    this.#instance = instance;
    this.#sharded = sharded;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#routes = Array.from({ length: shards }, () => undefined);
    this.#numbers = Array.from({ length: shards }, () => 0);
    this.#connections = this.#numbers.map((_, shard) => names.connection(shard, instance));
  }

  attached(shard: number): Link | undefined {
    const link = this.#routes[shard];
    return link?.open === true ? link : undefined;
  }

  /** Tells an attempt on the connection of now from one on an earlier connection: a key, and what that must not exceed. */
  connection(shard: number): readonly [key: string, number: number] {
    this.#used.add(shard);
    return [this.#connections[shard], this.#numbers[shard]];
  }

  /** The connection of a shard, waiting `ms` for it to be open; undefined when it is not. */
  async opened(shard: number, ms: number): Promise<Link | undefined> {
    const until = this.#clock.now() + ms;
    for (;;) {
      const link = this.attached(shard);
      const left = until - this.#clock.now();
      if (link !== undefined || left <= 0 || this.#closed) {
        return link;
      }
      await this.#change(left);
    }
  }

  route(shard: number, link: Link): void {
    if (this.#routes[shard] !== link) {
      this.#routes[shard] = link;
      if (link.open) {
        this.#opened(link, [shard]);
      }
    }
  }

  onOpen(link: Link): void {
    this.#opened(
      link,
      [...this.#routes.keys()].filter((shard) => this.#routes[shard] === link),
    );
  }

  detachAll(): void {
    // Commands on a closed connection reject by themselves; on the next one everybody asks again.
  }

  close(): void {
    this.#closed = true;
    this.#tellOpeners();
  }

  #opened(link: Link, shards: readonly number[]): void {
    const number = ++this.#lastNumber;
    for (const shard of shards) {
      this.#numbers[shard] = number;
      if (this.#used.has(shard)) {
        this.#arrive(link, shard, number, 0);
      }
    }
    this.#tellOpeners();
    if (!this.#checked) {
      this.#checked = true;
      this.#checkEviction(link);
    }
    for (const shard of this.#sharded ? shards : shards.slice(0, 1)) {
      this.#listen(link, shard, link.epoch, 0);
    }
  }

  /** Before anything else on this connection; as text, for a digest might have to be sent twice. */
  #arrive(link: Link, shard: number, number: number, failures: number): void {
    const key = this.#connections[shard];
    link.send('eval', [ARRIVE.lua, 1, key, number, ARRIVAL_TTL]).then(
      () => undefined,
      () => {
        const current = (): boolean => !this.#closed && link.open && this.#numbers[shard] === number;
        if (current()) {
          this.#clock.setTimeout(
            () => current() && this.#arrive(link, shard, number, failures + 1),
            retryDelay(failures),
          );
        }
      },
    );
  }

  #listen(link: Link, shard: number, epoch: number, failures: number): void {
    if (!this.#listening.has(link.client)) {
      this.#listening.add(link.client);
      link.client.on(this.#sharded ? 'smessageBuffer' : 'messageBuffer', (_channel: Buffer, message: Buffer) => {
        if (message.length <= MAX_WAKE_BYTES) {
          this.#hooks.onWake(Number(message.toString('latin1')));
        }
      });
    }
    const channel = this.#names.channel(this.#sharded ? shard : 0, this.#instance);
    link.send(this.#sharded ? 'ssubscribe' : 'subscribe', [channel]).then(
      () => this.#hooks.onHearing(),
      (error: Error) => {
        if (!this.#closed && link.open && link.epoch === epoch) {
          if (failures === 0) {
            this.#hooks.onWarning(`not woken when it is our turn, waiters look by themselves: ${error.message}`);
          }
          this.#clock.setTimeout(() => {
            if (!this.#closed && link.open && link.epoch === epoch && this.#routes[shard] === link) {
              this.#listen(link, shard, epoch, failures + 1);
            }
          }, retryDelay(failures));
        }
      },
    );
  }

  /** A full server that evicts may throw out a lock somebody holds. The holder notices at his next renewal; better not to come to that. */
  #checkEviction(link: Link): void {
    link.send('info', ['memory']).then(
      (info) => {
        const limit = /^maxmemory:(\d+)/m.exec(String(info))?.[1] ?? '0';
        const policy = /^maxmemory_policy:([\w-]+)/m.exec(String(info))?.[1] ?? 'noeviction';
        if (limit !== '0' && policy !== 'noeviction') {
          this.#hooks.onWarning(
            `maxmemory-policy is ${policy}: when memory is full a lock that is held may be evicted and granted again; give locks a server with noeviction, and let the guarded resource check lease.token`,
          );
        }
      },
      // Not allowed to ask, or cut off: the next connection is asked again.
      () => (this.#checked = false),
    );
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#clock.clearTimeout(timer);
        this.#openers.delete(done);
        resolve();
      };
      const timer: TimerHandle = this.#clock.setTimeout(done, ms);
      this.#openers.add(done);
    });
  }

  #tellOpeners(): void {
    for (const tell of Array.from(this.#openers)) {
      tell();
    }
  }
}
