import { AsyncResource } from 'node:async_hooks';
import type { Background } from '../background.js';
import type { CacheRuntime } from '../cache-runtime.js';
import { CacheConfigError } from '../errors.js';
import { currentFlight, type FlightMember } from './flight.js';
import { mayQueue } from './load.js';
import type { LoadContext } from '../definition.js';
import type { Duration } from '../duration.js';
import type { CallPolicy } from '../policy.js';
import type { ReadThrough } from './read-through.js';

/** Loads what a batch is missing: a Map by key, or an array in the order of `missing`. */
export type MissingLoader = (context: LoadContext<any>, missing: readonly (readonly unknown[])[]) => unknown;

/** One key of a batch. */
interface Item extends FlightMember {
  readonly key: string;
  readonly args: readonly unknown[];
  state: 'idle' | 'pending' | 'gone';
}

/** A key whose loader was called, waiting for the common load. */
interface Arrival {
  readonly item: Item;
  readonly context: LoadContext<any>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads many keys, each through the ordinary read story (so tiers, fences, leases and joining work alike), and loads those that are missing
 * by **one** call: the loader of each key waits until every key of the batch has either been answered, or needs loading, or waits for
 * somebody else's load. The second tier reads all keys of one tick in one round trip by itself.
 */
export class Batch {
  readonly #runtime: CacheRuntime;
  readonly #reads: ReadThrough;
  readonly #background: Background;
  readonly #loadMissing: MissingLoader;
  #arrivals: Arrival[] = [];
  #pending = 0;
  /** The flight inside whose loader the batch was asked for. */
  readonly #parent = currentFlight();
  /** The common load runs in the async context of whoever asked for the batch, not of the last answer. */
  readonly #scope = new AsyncResource('strata.batch');

  constructor(runtime: CacheRuntime, reads: ReadThrough, background: Background, loadMissing: MissingLoader) {
    this.#runtime = runtime;
    this.#background = background;
    this.#reads = reads;
    this.#loadMissing = loadMissing;
  }

  /** Values in the order of `keys` (argument tuples). Rejects with the loader's own error. */
  async read(
    keys: readonly (readonly unknown[])[],
    { policy, forceRefresh, signal }: CallPolicy,
    began: number,
  ): Promise<unknown[]> {
    const answers = new Map<string, Promise<unknown>>();
    const encoded = keys.map((args) => this.#runtime.keyOf(args));
    // Held open until every key was started, so that an early arrival does not load alone.
    this.#pending = 1;
    keys.forEach((args, index) => {
      const key = encoded[index];
      if (!answers.has(key)) {
        const member = this.#item(key, args);
        const load = (context: LoadContext<any>): Promise<unknown> => this.#arrive(member, context);
        answers.set(
          key,
          this.#reads.read({ runtime: this.#runtime, key, args, policy, load, member, forceRefresh, signal, began }),
        );
      }
    });
    this.#left();
    // All are awaited, so that no rejection stays unhandled when the first one fails.
    await Promise.allSettled(answers.values());
    return Promise.all(encoded.map((key) => answers.get(key)!));
  }

  #item(key: string, args: readonly unknown[]): Item {
    const item: Item = {
      key,
      args,
      state: 'idle',
      opened: () => {
        item.state = 'pending';
        this.#pending++;
      },
      leaves: () => {
        if (item.state === 'pending') {
          item.state = 'gone';
          this.#left();
        }
      },
    };
    return item;
  }

  #left(): void {
    if (--this.#pending === 0) {
      this.#flush();
    }
  }

  #arrive(item: Item, context: LoadContext<any>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#arrivals.push({ item, context, resolve, reject });
      if (item.state === 'pending') {
        item.leaves();
      } else if (this.#pending === 0) {
        this.#flush(); // It had waited for somebody else's load in vain; the others have long gone.
      }
    });
  }

  #flush(): void {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    if (arrivals.length > 0) {
      const load = async (): Promise<void> => {
        try {
          const values = await this.#load(arrivals);
          arrivals.forEach(({ resolve }, index) => resolve(values[index]));
        } catch (error) {
          arrivals.forEach(({ reject }) => reject(error));
        }
      };
      this.#scope.runInAsyncScope(() => this.#background.run('batch', load));
    }
  }

  async #load(arrivals: readonly Arrival[]): Promise<unknown[]> {
    const { limiter } = this.#runtime;
    const queues = mayQueue(this.#runtime, this.#parent);
    if (queues && !limiter.enter()) {
      await new Promise<void>((resolve) => limiter.wait(resolve));
    }
    try {
      const missing = arrivals.map(({ item }) => item.args);
      return this.#inOrder(arrivals, await this.#loadMissing(new BatchContext(arrivals), missing));
    } finally {
      if (queues) {
        limiter.leave();
      }
    }
  }

  #inOrder(arrivals: readonly Arrival[], loaded: unknown): unknown[] {
    const where = `cache "${this.#runtime.name}".getOrSetMany`;
    if (Array.isArray(loaded)) {
      if (loaded.length !== arrivals.length) {
        throw new CacheConfigError(
          `${where}: loadMissing returned ${loaded.length} values for ${arrivals.length} keys; return one per key in their order (undefined where there is none), or a Map by key`,
        );
      }
      return loaded;
    }
    if (!isMap(loaded)) {
      throw new CacheConfigError(
        `${where}: loadMissing must return a Map by key, or an array in the order of the keys`,
      );
    }
    // By encoded key, so that a tuple made anew finds its value.
    const byKey = new Map<string, unknown>();
    for (const [key, value] of loaded) {
      byKey.set(this.#runtime.keyOf(Array.isArray(key) ? key : [key]), value);
    }
    return arrivals.map(({ item }) => byKey.get(item.key));
  }
}

function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

/** What is said of a batch is said of each of its keys. */
class BatchContext implements LoadContext<any> {
  readonly stale = undefined;
  readonly #contexts: readonly LoadContext<any>[];

  constructor(arrivals: readonly Arrival[]) {
    this.#contexts = arrivals.map(({ context }) => context);
  }

  /** Aborted when every key's load is. */
  get signal(): AbortSignal {
    const controller = new AbortController();
    let left = this.#contexts.length;
    for (const { signal } of this.#contexts) {
      const onAbort = (): void => {
        if (--left === 0) {
          controller.abort(signal.reason);
        }
      };
      if (signal.aborted) {
        onAbort();
      } else {
        signal.addEventListener('abort', onAbort, { once: true });
      }
    }
    return controller.signal;
  }

  skip(): void {
    this.#contexts.forEach((context) => context.skip());
  }

  setTtl(ttl: Duration): void {
    this.#contexts.forEach((context) => context.setTtl(ttl));
  }

  addTags(tags: readonly string[]): void {
    this.#contexts.forEach((context) => context.addTags(tags));
  }
}
