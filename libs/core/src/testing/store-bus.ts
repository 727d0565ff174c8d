import type { Bus, BusHead, BusSink } from '../bus/bus.js';
import { TierError } from '../errors.js';
import type { SharedStore } from './shared-store.js';

/** Delivers what a shared memory publishes, at once and in order. */
export class StoreBus implements Bus {
  readonly shards = 1;
  readonly #store: SharedStore;
  #sink: BusSink | undefined;

  constructor(store: SharedStore) {
    this.#store = store;
  }

  start(sink: BusSink): void {
    this.#sink = sink;
    this.#store.sinks.add(sink);
    sink.onConnected(0);
  }

  probe(): Promise<BusHead> {
    const { incarnation, sequence } = this.#store;
    return this.#sink === undefined
      ? Promise.reject(new TierError('closed'))
      : Promise.resolve({ incarnation, sequence });
  }

  close(): Promise<void> {
    if (this.#sink !== undefined) {
      this.#store.sinks.delete(this.#sink);
    }
    this.#sink = undefined;
    return Promise.resolve();
  }
}
