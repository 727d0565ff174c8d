import type { Bus, BusEvent, BusHead, BusMessage, BusSink } from '../bus/bus.js';
import type { BusFactory } from '../bus/memory-bus.js';

/** A bus that loses, holds and reorders messages on command. Wraps a recipe; every engine made from it obeys the same commands. */
export class ChaosBus implements BusFactory {
  readonly kind = 'bus';
  readonly #inner: BusFactory;
  readonly #members = new Set<Member>();
  #toDrop = 0;
  #held: (() => void)[] | undefined;
  #silent = false;

  constructor(inner: BusFactory) {
    this.#inner = inner;
  }

  create(): Bus {
    return this.wrap(this.#inner.create());
  }

  /** Wraps a bus that belongs to a tier. */
  wrap(bus: Bus): Bus {
    const member = new Member(bus, this);
    this.#members.add(member);
    return member;
  }

  /** Loses the next `count` deliveries. */
  dropNext(count = 1): void {
    this.#toDrop += count;
  }

  /** Keeps deliveries until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** Delivers what was held, in order or in the order given by `reorder`. */
  release(reorder: <T>(deliveries: T[]) => T[] = (deliveries) => deliveries): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of reorder(held)) {
      deliver();
    }
  }

  /** A half-open connection: nothing is delivered, probes never answer, and nobody is told. */
  silence(on = true): void {
    this.#silent = on;
  }

  /** The subscription breaks, and everyone is told; `reconnect` brings it back. */
  disconnect(): void {
    for (const member of this.#members) {
      member.disconnect();
    }
  }

  reconnect(): void {
    for (const member of this.#members) {
      member.reconnect();
    }
  }

  get isSilent(): boolean {
    return this.#silent;
  }

  deliver(run: () => void): void {
    if (this.#silent) {
      return;
    }
    if (this.#toDrop > 0) {
      this.#toDrop--;
    } else if (this.#held !== undefined) {
      this.#held.push(run);
    } else {
      run();
    }
  }
}

class Member implements Bus, BusSink {
  readonly shards: number;
  readonly publish: ((event: BusEvent) => Promise<void>) | undefined;
  readonly #bus: Bus;
  readonly #chaos: ChaosBus;
  #sink: BusSink | undefined;
  #connected = true;

  constructor(bus: Bus, chaos: ChaosBus) {
    this.#bus = bus;
    this.#chaos = chaos;
    this.shards = bus.shards;
    this.publish = bus.publish === undefined ? undefined : (event) => bus.publish!(event);
  }

  start(sink: BusSink): void {
    this.#sink = sink;
    this.#bus.start(this);
  }

  onMessage(message: BusMessage): void {
    if (this.#connected) {
      this.#chaos.deliver(() => this.#sink?.onMessage(message));
    }
  }

  onConnected(shard: number): void {
    this.#sink?.onConnected(shard);
  }

  onDisconnected(shard: number): void {
    this.#sink?.onDisconnected(shard);
  }

  probe(shard: number): Promise<BusHead> {
    if (this.#chaos.isSilent) {
      return new Promise(() => undefined);
    }
    return this.#connected ? this.#bus.probe(shard) : Promise.reject(new Error('the subscription is broken'));
  }

  disconnect(): void {
    this.#connected = false;
    for (let shard = 0; shard < this.shards; shard++) {
      this.#sink?.onDisconnected(shard);
    }
  }

  reconnect(): void {
    this.#connected = true;
    for (let shard = 0; shard < this.shards; shard++) {
      this.#sink?.onConnected(shard);
    }
  }

  close(): Promise<void> {
    this.#sink = undefined;
    return this.#bus.close();
  }
}
