import type {
  AnyArgs,
  CacheDefinitionOptions,
  Duration,
  Fixed,
  InvalidationMode,
  KeyOf,
  KeyPart,
} from '@strata-cache/core';
import type { ResultOf } from '../decorator-types.js';
import type { EachMode, KeysFrom } from './each-types.js';
import type { KeyFrom } from './method-types.js';

/** Options of `@Cacheable(definition, ...)`. Callbacks are typed by the decorated method. */
export interface CacheableOptions<MethodArgs extends AnyArgs, Result, KeyArgs extends AnyArgs> {
  /** The key from the method's arguments: a bare argument or the tuple. Default: the arguments as they are. */
  readonly args?: KeyFrom<MethodArgs, KeyArgs> | undefined;
  /** False: the method runs as if it were not decorated. */
  readonly condition?: ((...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** True: the result goes to the callers that wait for it, but is not stored. */
  readonly unless?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** The method answers for many keys: {@link CacheableEachOptions}. Default false. */
  readonly each?: false | undefined;
}

/** Options of `@Cacheable(definition, { each, ... })`, for methods that answer for many keys. */
export interface CacheableEachOptions<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Each extends EachMode,
> {
  /**
   * The method's first argument is an array of keys, its result an array of values in their order (`true`) or a Map by key (`'map'`).
   * It runs once for the keys whose values are missing, with an array of just those; callers get the whole answer in the order asked,
   * `undefined` (no Map entry) where there is no value. When it fails, so does the call, whatever else was at hand.
   */
  readonly each: Each;
  /** One key for each element of the array argument, in their order; that argument may then stand anywhere. Default: the elements. */
  readonly args?: KeysFrom<MethodArgs, KeyArgs, Each> | undefined;
  /** False: the method runs as if it were not decorated. */
  readonly condition?: ((...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** Asked once, of what the method returned for the missing keys. True: none of it is stored. */
  readonly unless?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => boolean) | undefined;
}

type InlineDefinition = Pick<
  CacheDefinitionOptions<AnyArgs, any>,
  | 'ttl'
  | 'grace'
  | 'negativeTtl'
  | 'negativeErrors'
  | 'sharedErrors'
  | 'jitter'
  | 'refreshAhead'
  | 'softTimeout'
  | 'hardTimeout'
  | 'maxConcurrentLoads'
  | 'tenant'
>;

/**
 * Options of the inline form `@Cacheable({ ttl, ... })`. The cache is named `Class.method` after the declaring class and
 * has version 1; when it needs to be named, injected, versioned or invalidated elsewhere, use `defineCache`.
 */
export interface InlineCacheableOptions<MethodArgs extends AnyArgs, Result> extends InlineDefinition {
  /** The key from the method's arguments. Default: all of them, which must then be strings, numbers, booleans or null. */
  readonly key?: ((...args: Fixed<MethodArgs>) => KeyPart | readonly KeyPart[]) | undefined;
  /** Tags of an entry: fixed, or from the result and the arguments. */
  readonly tags?:
    readonly string[] | ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => readonly string[]) | undefined;
  /** Turns stored plain data back into class instances: `hydrateAs(Product)`. */
  readonly hydrate?: CacheDefinitionOptions<AnyArgs, any>['hydrate'];
  /** False: the method runs as if it were not decorated. */
  readonly condition?: ((...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** True: the result goes to the callers that wait for it, but is not stored. */
  readonly unless?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => boolean) | undefined;
}

/** Options of `@CacheEvict(definition, ...)`. With none of `args`, `keys`, `tags`, `allEntries`: the method's first arguments are the key. */
export interface CacheEvictOptions<MethodArgs extends AnyArgs, Result, KeyArgs extends AnyArgs> {
  /** The key to evict, from the method's arguments. */
  readonly args?: KeyFrom<MethodArgs, KeyArgs> | undefined;
  /** Keys to evict, from the result. Not with `phase: 'before'`. */
  readonly keys?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => readonly KeyOf<KeyArgs>[]) | undefined;
  /** Tags to invalidate, in every cache of the namespace, from the result. Not with `phase: 'before'`. */
  readonly tags?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => readonly string[]) | undefined;
  /** Evicts the whole cache. Default false. */
  readonly allEntries?: boolean | undefined;
  /** False: nothing is evicted. */
  readonly condition?: ((...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** `'delete'` (default): gone at once; `'expire'`: usable as stale within grace. */
  readonly mode?: InvalidationMode | undefined;
  /**
   * `'afterReturn'` (default): once the method has succeeded; `'before'`: before it runs, whatever becomes of it; `'afterCommit'`: once the
   * transaction it runs in has committed, never when that is rolled back (needs `CacheModule.forRoot({ transactions })`).
   */
  readonly phase?: 'before' | 'afterReturn' | 'afterCommit' | undefined;
  /**
   * Write hold: while the method runs nothing is stored for the key and readers go to the source; with `consistency: 'coherent'` reads are
   * then linearizable with the source, even if this process dies in between. The value is how long the hold may last, which must exceed
   * the transaction timeout; `true`: 30 s. Strict by nature: the call rejects with `TierError`, and the method does not run, when the
   * second tier does not take the hold. Covers the key only; `tags` beside `args` are invalidated once the method has succeeded.
   */
  readonly hold?: boolean | Duration | undefined;
}

/** Options of `@CachePut(definition, ...)`. */
export interface CachePutOptions<MethodArgs extends AnyArgs, Result, KeyArgs extends AnyArgs, Value> {
  /** The key, from the method's arguments: it is fenced before the method runs. Default: the method's first arguments. */
  readonly args?: KeyFrom<MethodArgs, KeyArgs> | undefined;
  /** What is stored, from the result; `undefined` stores nothing and deletes the key. Default: the result. */
  readonly value?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => Value | undefined) | undefined;
  /** False: the method runs as if it were not decorated. */
  readonly condition?: ((...args: Fixed<MethodArgs>) => boolean) | undefined;
  /** True: nothing is stored and the key is deleted, for the entry describes what was before. */
  readonly unless?: ((result: ResultOf<Result>, ...args: Fixed<MethodArgs>) => boolean) | undefined;
}
