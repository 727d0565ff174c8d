import type { Bus, BusHead, BusSink } from '@strata-cache/core';
import type { AttachGate, GateHooks } from './attach-gate.js';
import { type Link, unavailable } from './link.js';
import { decodeMessage } from './messages.js';
import type { ShardView } from './shard.js';
import type { WakeList } from './wake-list.js';

/** Longest wake-up that is looked at: a key. */
const MAX_WAKE_BYTES = 4096;

/**
 * Delivers what the scripts publish. Messages and heartbeats share one connection per server, so a heartbeat's answer stands behind every
 * message sent before it (RESP3 lets a subscribed connection run commands).
 */
export class RedisBus implements Bus, GateHooks {
  readonly shards: number;
  readonly #views: readonly ShardView[];
  readonly #sleepers: WakeList;
  readonly #sharded: boolean;
  readonly #warn: (message: string) => void;
  readonly #busShard = new Map<string, number>();
  readonly #wakeChannels = new Set<string>();
  readonly #listening = new WeakSet<object>();
  #gate: AttachGate | undefined;
  #sink: BusSink | undefined;
  #closed = false;

  constructor(views: readonly ShardView[], sleepers: WakeList, sharded: boolean, warn: (message: string) => void) {
    this.shards = views.length;
    this.#views = views;
    this.#sleepers = sleepers;
    this.#sharded = sharded;
    this.#warn = warn;
    for (const { shard, keys } of views) {
      this.#busShard.set(keys.busChannel, shard);
      this.#wakeChannels.add(keys.wakeChannel);
    }
  }

  /** The gate of the subscriber connections; it calls back for subscribing. */
  useGate(gate: AttachGate): void {
    this.#gate = gate;
  }

  start(sink: BusSink): void {
    this.#sink = sink;
    for (const { shard } of this.#views) {
      if (this.#gate?.attached(shard) !== undefined) {
        sink.onConnected(shard);
      }
    }
  }

  async probe(shard: number): Promise<BusHead> {
    const gate = this.#gate;
    if (gate === undefined || this.#closed) {
      throw unavailable('the bus is closed');
    }
    const link = gate.require(shard);
    const view = this.#views[shard];
    const scores = (await link.send('zmscore', [view.keys.state, 'i', 'q', 'r', 'n'])) as (string | null)[];
    const [incarnation, sequence, runId, shards] = scores.map((score) => (score === null ? undefined : Number(score)));
    if (
      incarnation === undefined ||
      sequence === undefined ||
      runId !== link.runId ||
      (shards ?? this.shards) !== this.shards
    ) {
      // Lost, or another server's: attaching again starts a new life of the state, and ends in onConnected.
      gate.detach(shard, link);
      throw unavailable(`shard ${shard} has lost its state; it is attached again`);
    }
    if (gate.attached(shard) !== link) {
      throw unavailable(`shard ${shard} was detached meanwhile`);
    }
    view.busIncarnation = incarnation;
    return { incarnation, sequence };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sink = undefined;
    this.#sleepers.wakeAll();
  }

  /** Subscribes; called by the gate between ATTACH and "attached". */
  async prepare(shard: number, link: Link): Promise<void> {
    this.#listen(link);
    const { busChannel, wakeChannel } = this.#views[shard].keys;
    await link.send(this.#sharded ? 'ssubscribe' : 'subscribe', [busChannel, wakeChannel]);
  }

  onAttached(shard: number): void {
    this.#sink?.onConnected(shard);
  }

  onDetached(shard: number): void {
    this.#views[shard].busIncarnation = undefined;
    this.#sink?.onDisconnected(shard);
  }

  onWarning(message: string): void {
    this.#warn(`bus: ${message}`);
  }

  #listen({ client }: Link): void {
    if (this.#listening.has(client)) {
      return;
    }
    this.#listening.add(client);
    // The buffer events: the text ones would decode every message a second time.
    client.on(this.#sharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, message: Buffer) =>
      this.#receive(channel.toString('utf8'), message),
    );
  }

  /** Synchronous to the end: an await would let a heartbeat's answer overtake the message. */
  #receive(channel: string, bytes: Buffer): void {
    const shard = this.#busShard.get(channel);
    if (shard === undefined) {
      if (this.#wakeChannels.has(channel) && bytes.length <= MAX_WAKE_BYTES) {
        this.#sleepers.wake(bytes.toString('utf8'));
      }
      return;
    }
    const message = decodeMessage(shard, bytes);
    if (message.event !== undefined) {
      this.#views[shard].busIncarnation = message.incarnation;
    }
    this.#sink?.onMessage(message);
  }
}
