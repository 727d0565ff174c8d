import { type Clock, LockError } from '@strata-cache/core';
import type { Writable } from 'node:stream';
import type { LockGate } from './lock-gate.js';
import { named, type LockKeys } from './lock-keys.js';
import { markNow, type Mark } from './lease-time.js';
import { type Link, unavailable } from '../link.js';
import type { LockDurability } from '../options.js';
import { ACQUIRE } from '../scripts/lock-acquire.js';
import { CANCEL, PROLONG, UNLOCK } from '../scripts/lock-release.js';
import type { Script } from '../scripts/script.js';
import { ReplicaWaits } from './replica-waits.js';

/** How long something that must be told to the server is tried, ms. */
const PATIENCE = 2_000;
const PAUSE = 50;

/** Errors the server answers with that pass by themselves. Others (NOPERM, WRONGTYPE) are the same the next time. */
const PASSING =
  /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|READONLY|MASTERDOWN|LOADING|BUSY|NOSCRIPT|NOREPLICAS|OOM|UNBLOCKED)\b/;

/** One caller's attempt to get one lock. */
export interface LockCall {
  /** For messages. */
  readonly key: string;
  readonly keys: LockKeys;
  /** `<instance>.<number>` */
  readonly ticket: string;
  readonly number: number;
  /** ms */
  readonly ttl: number;
  /** The attempt has ended: what it has not sent yet must not follow its cancellation. */
  over: boolean;
}

export type AcquireAnswer =
  | { readonly kind: 'granted'; readonly token: bigint; readonly sent: Mark }
  | { readonly kind: 'busy'; readonly ahead: number; readonly retryIn: number };

export interface LockCallsOptions {
  readonly sharded: boolean;
  /** ms */
  readonly commandTimeout: number;
  readonly durability: LockDurability | undefined;
}

/** The questions about locks that go to the server. */
export class LockCalls {
  readonly #gate: LockGate;
  readonly #clock: Clock;
  readonly #options: LockCallsOptions;
  readonly #publish: string;
  readonly #replicas: ReplicaWaits | undefined;
  /** The highest token any server has given to this process: the next one is above it, wherever it comes from. */
  #highest = 0;

  constructor(gate: LockGate, clock: Clock, options: LockCallsOptions) {
    this.#gate = gate;
    this.#clock = clock;
    this.#options = options;
    this.#publish = options.sharded ? 'SPUBLISH' : 'PUBLISH';
    this.#replicas = options.durability && new ReplicaWaits(options.durability);
  }

  /** @throws LockError when too few replicas have the grant; what the connection says when it was not answered */
  async acquire(call: LockCall, queue: boolean): Promise<AcquireAnswer> {
    const { keys } = call;
    const link = this.#gate.attached(keys.shard) ?? (await this.#opened(call));
    const sent = markNow(this.#clock);
    const { epoch } = link;
    const [connection, number] = this.#gate.connection(keys.shard);
    const [lock, queued, alive, fence] = keys.all;
    const args = [5, lock, queued, alive, fence, connection, call.ticket, Math.ceil(call.ttl)];
    args.push(queue ? '1' : '0', String(this.#highest), number);
    let waitsBefore = 0;
    const answer = (await this.#run(link, ACQUIRE, args, () => {
      if (call.over) {
        throw unavailable(`${named(call.key)}: given up before it was asked for`);
      }
      waitsBefore = this.#replicas?.sent(link) ?? 0;
    })) as number | readonly [ahead: number, retryIn: number] | null;
    if (answer === null) {
      throw unavailable(`${named(call.key)}: the connection changed while it was asked for`);
    }
    if (typeof answer !== 'number') {
      return { kind: 'busy', ahead: answer[0], retryIn: answer[1] };
    }
    if (answer > this.#highest) {
      this.#highest = answer;
    }
    if (this.#replicas !== undefined) {
      await this.#confirm(link, epoch, waitsBefore, call);
    }
    return { kind: 'granted', token: BigInt(answer), sent };
  }

  /** False when the lock is not the ticket's. */
  async prolong(call: LockCall, ttl: number, generation: number): Promise<boolean> {
    const { shard, all } = call.keys;
    const link = this.#gate.attached(shard) ?? (await this.#opened(call));
    return (await this.#run(link, PROLONG, [1, all[0], call.ticket, Math.ceil(ttl), generation])) === 1;
  }

  insistProlong(call: LockCall, ttl: number, generation: number, goOn: () => boolean): Promise<boolean> {
    return this.#insist(call, goOn, () => this.prolong(call, ttl, generation));
  }

  /**
   * False when the lock was not the ticket's. Only if the first question was answered so: after one that was not, the lock may be gone
   * because that one was executed.
   */
  unlock(call: LockCall, goOn: () => boolean): Promise<boolean> {
    let asked = 0;
    return this.#insist(call, goOn, async () => {
      const link = this.#gate.attached(call.keys.shard) ?? (await this.#opened(call));
      const again = asked++ > 0;
      return (await this.#run(link, UNLOCK, this.#wakingArgs(call))) === 1 || again;
    });
  }

  /** Takes back whatever the ticket has or waits for. */
  async cancel(call: LockCall): Promise<void> {
    call.over = true;
    await this.#insist(
      call,
      () => true,
      async () => {
        const link = this.#gate.attached(call.keys.shard) ?? (await this.#opened(call));
        return this.#run(link, CANCEL, this.#wakingArgs(call));
      },
    );
  }

  /** Whether asking again is of no use. */
  static isFinal(error: unknown): boolean {
    return (
      error instanceof LockError ||
      (error instanceof Error && error.name === 'ReplyError' && !PASSING.test(error.message))
    );
  }

  /** Its connection, once there is one. */
  async #opened({ keys, key }: LockCall): Promise<Link> {
    const link = await this.#gate.opened(keys.shard, this.#options.commandTimeout);
    if (link === undefined) {
      throw unavailable(`${named(key)}: no connection`);
    }
    return link;
  }

  #wakingArgs({ keys: { all, channels }, ticket }: LockCall): (string | number)[] {
    return [3, all[0], all[1], all[2], ticket, this.#publish, channels];
  }

  /**
   * By digest, and by text where the server does not know it. `onSend` is asked before each. `args`: number of keys, keys, arguments.
   * Replies are numbers and tables of them.
   */
  async #run(link: Link, script: Script, args: (string | number)[], onSend?: () => void): Promise<unknown> {
    const { epoch } = link;
    onSend?.();
    gather(link.client.stream);
    try {
      return await link.sendRaw('evalsha', [script.sha, ...args]);
    } catch (error) {
      link.failed(error);
      if (error instanceof Error && error.message.startsWith('NOSCRIPT') && epoch === link.epoch) {
        // A round trip later: what was to stand before something else may stand behind it now.
        onSend?.();
        return link.send('eval', [script.lua, ...args], true);
      }
      throw error;
    }
  }

  /** WAIT counts the writes of its own connection: on another one it would confirm nothing. */
  async #confirm(link: Link, epoch: number, waitsBefore: number, { key }: LockCall): Promise<void> {
    const { durability } = this.#options;
    if (durability === undefined || this.#replicas === undefined) {
      return;
    }
    const reached = await this.#replicas.reached(link, waitsBefore);
    if (link.epoch !== epoch) {
      throw unavailable(`${named(key)}: the connection broke before the grant was confirmed`);
    }
    if (reached < durability.replicas) {
      throw new LockError(
        `${named(key)}: granted, but only ${reached} of ${durability.replicas} replicas had it within ${durability.timeout} ms; it is given back. Check the replicas, or lower lockDurability`,
      );
    }
  }

  /** Tries until it is answered, it is of no use any more, or 2 s have passed. */
  async #insist<T>({ key }: LockCall, goOn: () => boolean, run: () => Promise<T>): Promise<T> {
    const until = this.#clock.now() + PATIENCE;
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (LockCalls.isFinal(error) || !goOn() || this.#clock.now() >= until) {
          throw new LockError(
            `${named(key)}: Redis did not confirm it; unless it did, the lock ends by its ttl`,
            'ERR_LOCK',
            error,
          );
        }
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, PAUSE));
      }
    }
  }
}

/** What is sent in one turn of the event loop leaves in one packet: many who hand over at once pay for one system call. */
function gather(stream: Writable): void {
  if (stream.writableCorked === 0) {
    stream.cork();
    process.nextTick(uncork, stream);
  }
}

const uncork = (stream: Writable): void => stream.uncork();
