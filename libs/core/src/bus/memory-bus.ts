import type { Bus, BusEvent, BusHead, BusMessage, BusSink } from './bus.js';

/** A recipe for a bus; engines made from the same recipe hear each other. */
export interface BusFactory {
  readonly kind: 'bus';
  create(): Bus;
}

/** Connects engines of one process: tests, or two applications in one process without Redis. Delivery is synchronous. */
export function memoryBus(): BusFactory {
  const hub = new Hub();
  return { kind: 'bus', create: () => new MemoryBus(hub) };
}

let lives = 0;

class Hub {
  readonly incarnation = ++lives;
  readonly members = new Set<MemoryBus>();
  sequence = 0;
}

/** What its publisher receives of its own event: it counts in the sequence, and changes nothing. */
const OWN: BusEvent = { kind: 'keys', keys: [], mode: 'delete' };

class MemoryBus implements Bus {
  readonly shards = 1;
  readonly #hub: Hub;
  #sink: BusSink | undefined;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  start(sink: BusSink): void {
    this.#sink = sink;
    this.#hub.members.add(this);
    sink.onConnected(0);
  }

  probe(): Promise<BusHead> {
    if (this.#sink === undefined) {
      return Promise.reject(new Error('the bus is closed'));
    }
    return Promise.resolve({ incarnation: this.#hub.incarnation, sequence: this.#hub.sequence });
  }

  publish(event: BusEvent): Promise<void> {
    const { incarnation } = this.#hub;
    const sequence = ++this.#hub.sequence;
    for (const member of this.#hub.members) {
      member.#deliver({ shard: 0, incarnation, sequence, event: member === this ? OWN : event });
    }
    return Promise.resolve();
  }

  #deliver(message: BusMessage): void {
    this.#sink?.onMessage(message);
  }

  close(): Promise<void> {
    this.#hub.members.delete(this);
    this.#sink = undefined;
    return Promise.resolve();
  }
}
