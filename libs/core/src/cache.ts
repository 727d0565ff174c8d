import type { CacheRuntime } from './cache-runtime.js';
import type {
  AnyArgs,
  ArgsOf,
  Awaitable,
  CacheDefinition,
  CallOptions,
  InvalidationMode,
  KeyOf,
  LoadContext,
  MapKey,
  ValueOf,
} from './definition.js';
import { Batch, type MissingLoader } from './reading/batch.js';
import type { Duration } from './duration.js';
import { asOneOf, asPositiveDuration, readOptions } from './options.js';
import { Boxed } from './value/boxed.js';
import type { Engine } from './engine.js';
import { HitPath, type KeyParts } from './reading/hit-path.js';
import { inspect, type CacheEntry } from './reading/inspect.js';
import type { L1View } from './reading/l1-view.js';
import { callPolicy, writePolicy, type CallPolicy, type Policy, type WriteOptions } from './policy.js';
import type { ReadThrough } from './reading/read-through.js';
import type { CacheStats } from './stats.js';
import type { InvalidationResult, WriteCall, Writes } from './writes.js';

/** The cache of a definition, for injected parameters: `CacheOf<typeof productCache>`. */
export type CacheOf<Definition> = Cache<ArgsOf<Definition>, ValueOf<Definition>>;

/** What `put` takes besides the key and the method. */
export interface PutOptions<R, Value> extends Omit<WriteOptions, 'version'> {
  /** What to store; default the result itself. `undefined`: nothing is stored and the key is deleted. */
  readonly value?: ((result: R) => Value | undefined) | undefined;
}

const MODE_RULES = { mode: asOneOf('delete', 'expire') };

/** How a cache reaches the algorithms; the same for every cache of an engine. */
export interface CacheParts {
  readonly engine: Engine;
  readonly l1: L1View;
  readonly reads: ReadThrough;
  readonly writes: Writes;
}

/** One named cache of an engine. Made by `strata.cache(definition)`. */
export class Cache<Args extends AnyArgs = AnyArgs, Value = any> {
  readonly name: string;
  readonly definition: CacheDefinition<Args, Value>;
  readonly #runtime: CacheRuntime;
  readonly #parts: CacheParts;
  readonly #call: CallPolicy;
  /** True when an L1 hit of this cache needs nothing but the stored value: no per-call policy, hydration or second tier to ask. */
  readonly #direct: boolean;
  readonly #hits: HitPath;
  readonly #tenanted: boolean;

  constructor(definition: CacheDefinition<Args, Value>, runtime: CacheRuntime, parts: CacheParts, call?: CallPolicy) {
    this.name = runtime.name;
    this.definition = definition;
    this.#runtime = runtime;
    this.#parts = parts;
    this.#hits = new HitPath(runtime, parts.engine);
    this.#tenanted = runtime.definition.tenant !== undefined;
    this.#call = call ?? { policy: runtime.policy, forceRefresh: false, signal: undefined };
    const { policy, forceRefresh } = this.#call;
    const validated = policy.consistency === 'coherent' && parts.engine.tier !== undefined;
    this.#direct =
      policy.useL1 &&
      !forceRefresh &&
      !validated &&
      runtime.definition.hydrate === undefined &&
      parts.engine.observer.lookup === undefined;
  }

  /**
   * The value of a key, loaded on a miss by one call of `loader` whoever else asks meanwhile.
   * @throws the loader's own error, untouched; LoadTimeoutError beyond `hardTimeout`; CacheKeyError for a key that cannot be one
   */
  getOrSet<L extends Value | undefined>(
    key: KeyOf<Args>,
    loader: (context: LoadContext<Value>, ...args: Args) => Awaitable<L>,
    options?: CallOptions,
  ): Promise<Value | Extract<L, undefined>> {
    // Nothing here may be captured by a closure: that would allocate on every hit.
    let parts: KeyParts | undefined;
    if (options === undefined && this.#direct) {
      try {
        parts = this.#runtime.partsOf(key);
        const slot = this.#hits.find(parts);
        if (slot >= 0) {
          return this.#hits.answer(slot) as Promise<Value>;
        }
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return this.#getOrSet(argsOf(key), loader, options, parts) as Promise<Value>;
  }

  // No async function, here and in `#get`: one that returns a promise makes another and takes three turns to copy the answer.
  #getOrSet(
    args: readonly unknown[],
    loader: (context: any, ...args: any) => unknown,
    options: CallOptions | undefined,
    parts: KeyParts | undefined,
  ): Promise<unknown> {
    try {
      const call = options === undefined ? this.#call : callPolicy(this.name, this.#call.policy, options);
      return this.#read(parts ?? this.#runtime.partsOf(args), args, (context) => loader(context, ...args), call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #read(
    parts: KeyParts,
    args: readonly unknown[],
    load: ((context: any) => unknown) | undefined,
    call: CallPolicy,
  ): Promise<unknown> {
    const rest = this.#runtime.restOf(parts);
    return this.#parts.reads.read({
      runtime: this.#runtime,
      key: this.#runtime.prefix + rest,
      part: this.#partOf(parts, rest),
      args,
      load,
      policy: call.policy,
      forceRefresh: call.forceRefresh,
      signal: call.signal,
      began: this.#parts.engine.coherence.ledger.sequence,
    });
  }

  /** What L1 may know an entry by instead of its encoded key. */
  #partOf(parts: KeyParts, rest: string): string | number | undefined {
    return parts === rest || (typeof parts === 'number' && !this.#tenanted) ? (parts as string | number) : undefined;
  }

  /** The value, or `undefined`; loads when the definition has `load`. */
  get(...args: Args): Promise<Value | undefined> {
    let parts: KeyParts | undefined;
    if (this.#direct) {
      try {
        parts = this.#runtime.partsOf(args);
        const slot = this.#hits.find(parts);
        if (slot >= 0) {
          return this.#hits.answer(slot) as Promise<Value>;
        }
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return this.#get(args, parts) as Promise<Value | undefined>;
  }

  #get(args: Args, parts: KeyParts | undefined): Promise<unknown> {
    try {
      const { load } = this.definition;
      const bound =
        load === undefined ? undefined : (context: LoadContext<any>): unknown => load(context, ...(args as any));
      return this.#read(parts ?? this.#runtime.partsOf(args), args, bound, this.#call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** The fresh value of L1, synchronously, or `undefined`. Never loads, never asks the second tier. */
  peek(...args: Args): Value | undefined {
    const parts = this.#runtime.partsOf(args);
    const slot = this.#hits.find(parts);
    const stored = slot >= 0 ? this.#parts.engine.l1.values[slot] : this.#look(parts);
    if (this.#direct && !this.#runtime.boxes) {
      return stored as Value | undefined;
    }
    return stored instanceof Boxed && stored.kind === 'error'
      ? undefined
      : (this.#runtime.open(stored) as Value | undefined);
  }

  #look(parts: KeyParts): unknown {
    const key = this.#runtime.prefix + this.#runtime.restOf(parts);
    return this.#parts.l1.look(this.#runtime, key, this.#call.policy).fresh?.stored;
  }

  /** The entry with its metadata, fresh or stale, from L1 or else the second tier. Never loads. */
  async entry(...args: Args): Promise<CacheEntry<Value> | undefined> {
    const { engine, l1 } = this.#parts;
    return (await inspect(engine, l1, this.#runtime, this.#runtime.keyOf(args), this.#call.policy)) as
      CacheEntry<Value> | undefined;
  }

  /** The values of many keys, in the order asked; `undefined` where there is none. One round trip to the second tier per shard. */
  getMany(keys: readonly KeyOf<Args>[]): Promise<(Value | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(...(argsOf(key) as unknown as Args))));
  }

  /**
   * The values of many keys, in the order asked. What is missing is loaded by one call of `loadMissing`, given the argument tuples; it
   * returns a Map by key, or an array in their order. Batches that overlap share their loads.
   * @throws the loader's own error; CacheConfigError when an array of another length is returned
   */
  async getOrSetMany<L extends Value | undefined>(
    keys: readonly KeyOf<Args>[],
    loadMissing: (
      context: LoadContext<Value>,
      missing: readonly Args[],
    ) => Awaitable<ReadonlyMap<MapKey<Args>, L> | readonly L[]>,
    options?: CallOptions,
  ): Promise<(Value | Extract<L, undefined> | undefined)[]> {
    const call = options === undefined ? this.#call : callPolicy(this.name, this.#call.policy, options);
    const batch = new Batch(
      this.#runtime,
      this.#parts.reads,
      this.#parts.engine.background,
      loadMissing as unknown as MissingLoader,
    );
    return (await batch.read(keys.map(argsOf), call, this.#parts.engine.coherence.ledger.sequence)) as Value[];
  }

  /** Stores many values. @throws SerializationError naming the path when one of them has no stored form */
  async setMany(
    entries: Iterable<readonly [KeyOf<Args>, Value]>,
    options: WriteOptions = {},
  ): Promise<InvalidationResult> {
    const results = await Promise.all([...entries].map(([key, value]) => this.set(key, value, options)));
    return { acknowledged: results.every(({ acknowledged }) => acknowledged) };
  }

  /**
   * Write hold: runs `run`, which changes the source of the keys, while nothing is stored for them and readers go to the source. With
   * `consistency: 'coherent'` reads are then linearizable with the source, a crash of the writer included.
   * @param ttl how long the hold may last; it must exceed the transaction timeout. Default `'30s'`
   * @throws TierError before `run` is started, when the second tier did not take the hold; otherwise the error of `run`
   */
  async withHold<R>(keys: readonly KeyOf<Args>[], run: () => Promise<R>, ttl: Duration = '30s'): Promise<R> {
    return this.#parts.writes.withHold(
      this.#encodeAll(keys),
      run,
      asPositiveDuration(ttl, `cache "${this.name}".withHold: ttl`),
    );
  }

  /**
   * Stores a value; for values whose change you do not control, prefer `delete`. A copy is stored, your object stays yours.
   * Orders by arrival, or by `version`: a lower one than already stored is ignored.
   * @throws SerializationError naming the path when the value has no stored form
   */
  async set(key: KeyOf<Args>, value: Value, options: WriteOptions = {}): Promise<InvalidationResult> {
    const { policy, version } = writePolicy(this.name, this.#call.policy, options);
    return this.#parts.writes.set(this.#writeOf(key, policy), value, version);
  }

  /**
   * Runs `produce`, which changes the source, and stores its result unless an invalidation overtook it. The fence is taken before it
   * runs. A failing cache never fails a method that succeeded.
   * @throws the error of `produce`, untouched
   */
  async put<R>(key: KeyOf<Args>, produce: () => Promise<R>, options: PutOptions<R, Value> = {}): Promise<R> {
    const { value: select = (result: R): unknown => result, ...write } = options;
    const { policy } = writePolicy(this.name, this.#call.policy, write);
    return this.#parts.writes.put(this.#writeOf(key, policy), produce, select);
  }

  #writeOf(key: unknown, policy: Policy): WriteCall {
    const runtime = this.#runtime;
    const parts = runtime.partsOf(key);
    const rest = runtime.restOf(parts);
    return { runtime, key: runtime.prefix + rest, part: this.#partOf(parts, rest), args: argsOf(key), policy };
  }

  /** Loads from the source without reading the cache, and refreshes it: for balances, permissions, stock at checkout. */
  fromSource<L extends Value | undefined>(
    key: KeyOf<Args>,
    loader: (context: LoadContext<Value>, ...args: Args) => Awaitable<L>,
  ): Promise<Value | Extract<L, undefined>> {
    return this.getOrSet(key, loader, { forceRefresh: true });
  }

  /** Gone: no later read returns the value. */
  async delete(...args: Args): Promise<InvalidationResult> {
    return this.#parts.writes.invalidateKeys(this.#runtime, [this.#runtime.keyOf(args)], 'delete');
  }

  /** Never fresh again; usable as stale within grace. */
  async expire(...args: Args): Promise<InvalidationResult> {
    return this.#parts.writes.invalidateKeys(this.#runtime, [this.#runtime.keyOf(args)], 'expire');
  }

  async deleteMany(keys: readonly KeyOf<Args>[]): Promise<InvalidationResult> {
    return this.#parts.writes.invalidateKeys(this.#runtime, this.#encodeAll(keys), 'delete');
  }

  async expireMany(keys: readonly KeyOf<Args>[]): Promise<InvalidationResult> {
    return this.#parts.writes.invalidateKeys(this.#runtime, this.#encodeAll(keys), 'expire');
  }

  #encodeAll(keys: readonly KeyOf<Args>[]): string[] {
    return [...new Set(keys.map((key) => this.#runtime.keyOf(argsOf(key))))];
  }

  /** Every entry of this cache, in O(1). Mode `'delete'` (default): gone; `'expire'`: never fresh again. */
  async clear(options: { readonly mode?: InvalidationMode | undefined } = {}): Promise<InvalidationResult> {
    const { mode = 'delete' } = readOptions(`cache "${this.name}".clear`, options, MODE_RULES);
    this.#runtime.stats.invalidations++;
    return this.#parts.writes.invalidate({ kind: 'tags', tags: [this.#runtime.cacheTag], mode });
  }

  /** The same cache with call options, for the forms that spread the key. @throws CacheConfigError */
  with(options: CallOptions): Cache<Args, Value> {
    return new Cache(this.definition, this.#runtime, this.#parts, callPolicy(this.name, this.#call.policy, options));
  }

  /** A snapshot of the counters since the engine was created. */
  stats(): CacheStats {
    this.#runtime.credit();
    return { ...this.#runtime.stats, distinctKeys: this.#runtime.distinct.estimate };
  }
}

function argsOf(key: unknown): readonly unknown[] {
  return Array.isArray(key) ? key : [key];
}
