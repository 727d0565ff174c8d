import type { ByteSize, Duration } from './duration.js';
import type { Hydrator } from './value/hydrate.js';
import type { Serializer } from './serializer/serializer.js';

/** A part of a key. Each type keeps its own identity: `1` never meets `'1'`. */
export type KeyPart = string | number | boolean | null;

export type Awaitable<T> = T | Promise<T>;
export type AnyArgs = readonly any[];

/** Blocks inference and resolves later; `NoInfer` does not work in rest position. */
export type Fixed<T> = [T][T extends unknown ? 0 : never];

/** A key that stands beside other things: the tuple of key arguments, or the bare single argument. */
export type KeyOf<Args extends AnyArgs> =
  readonly [...Args] | (Args extends readonly [infer Only] ? (Only extends AnyArgs ? never : Only) : never);

/** The key of a `Map` result: the bare single argument, or the tuple. */
export type MapKey<Args extends AnyArgs> = Args extends readonly [infer Only] ? Only : readonly [...Args];

/** `'frozen'`: plain data is deep-frozen once; `'cloned'`: every hit is a copy; `'shared'`: the reference itself. */
export type Isolation = 'shared' | 'frozen' | 'cloned';

/** `'bounded'`: L1 answers while its bus is proven alive; `'coherent'`: every read is validated by the second tier. */
export type Consistency = 'bounded' | 'coherent';

/** `'delete'`: gone at once; `'expire'`: never fresh again, usable as stale within grace. */
export type InvalidationMode = 'delete' | 'expire';

/**
 * The events of an application and their payloads, for the compiler to check names and payloads:
 * `declare module '@strata-cache/core' { interface CacheEventMap { 'product.updated': ProductUpdated } }`. Empty: any name, any payload.
 */
export interface CacheEventMap {}

/** The names of the events in a map; any string while it is empty. */
export type EventName<Events = CacheEventMap> = [keyof Events] extends [never] ? string : keyof Events & string;

/** The payload of an event; `any` while the map is empty. */
export type EventPayload<Name extends string, Events = CacheEventMap> = Name extends keyof Events ? Events[Name] : any;

/** What an event clears. Tags reach every cache of the namespace; keys and `allEntries` this one. */
export interface Invalidation<Args extends AnyArgs = AnyArgs> {
  readonly keys?: readonly KeyOf<Args>[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly allEntries?: boolean | undefined;
  /** `'delete'` (default): gone at once; `'expire'`: usable as stale within grace. */
  readonly mode?: InvalidationMode | undefined;
}

/** From the payload of an event to what it clears, synchronously and without effects. `undefined`: nothing. */
export type EventMapper<Args extends AnyArgs, Payload> = (payload: Payload) => Invalidation<Fixed<Args>> | undefined;

/** For each event that concerns a cache: what it clears there. */
export type InvalidatedBy<Args extends AnyArgs, Events = CacheEventMap> = [keyof Events] extends [never]
  ? Readonly<Record<string, EventMapper<Args, any>>>
  : { readonly [Name in keyof Events]?: EventMapper<Args, Events[Name]> };

/** What a loader is given. */
export interface LoadContext<Value> {
  /** Aborted on hard timeout, when the last waiting caller has gone, and at shutdown. */
  readonly signal: AbortSignal;
  /** The stale entry this load would replace, when there is one. */
  readonly stale: StaleEntry<Value> | undefined;
  /** Return the value to the callers, but do not store it. */
  skip(): void;
  /** Overrides the ttl of the value about to be stored. */
  setTtl(ttl: Duration): void;
  /** Adds tags to the value about to be stored. */
  addTags(tags: readonly string[]): void;
}

export interface StaleEntry<Value> {
  readonly value: Value;
  /** Age in ms. */
  readonly age: number;
}

/** What `defineCache` takes. Durations are ms or strings such as `'5m'`. */
export interface CacheDefinitionOptions<Args extends AnyArgs, Value> {
  /** Unique per namespace. */
  readonly name: string;
  /** Bump when the shape of the value changes: old and new instances then never read each other's entries. */
  readonly version: number;
  /** Who answers for this cache. */
  readonly owner: string;
  /** The key of an entry, from the arguments. Absent: the cache holds one entry. */
  readonly key?: ((...args: Args) => KeyPart | readonly KeyPart[]) | undefined;
  /** How long an entry is fresh. */
  readonly ttl: Duration;
  /** Fraction of the ttl (0 to 1) after which a hit reloads the entry in the background, before it goes stale. Default: never. */
  readonly refreshAhead?: number | undefined;
  /** How much longer than `ttl` a stale entry may be used. Default 0. */
  readonly grace?: Duration | undefined;
  /** How long "not found" (`null`, `undefined`) is remembered. Unset: `null` is kept for `ttl`, `undefined` is not kept. */
  readonly negativeTtl?: Duration | undefined;
  /** Which thrown errors mean "not found": remembered for `negativeTtl` in this process and thrown again. Default: none. */
  readonly negativeErrors?: ((error: unknown) => boolean) | undefined;
  /**
   * Lets one failing load answer the instances that wait for it, instead of one call in each: `dehydrate` gives plain data of an error (JSON,
   * 4 KB at most; `undefined`: keep it to this process), `hydrate` what is thrown elsewhere. Default: every instance throws what its own
   * loader threw.
   */
  readonly sharedErrors?: Hydrator<unknown> | undefined;
  /** Spread of the ttl, as a fraction of it (0.1 = 10 % shorter at most). Default 0.1. */
  readonly jitter?: number | undefined;
  /** Read-through loader, used by `get`. */
  readonly load?: ((context: LoadContext<any>, ...args: Fixed<Args>) => Awaitable<Value | undefined>) | undefined;
  /** With a stale value at hand: how long a load is awaited before the stale value answers. Default: not awaited. */
  readonly softTimeout?: Duration | undefined;
  /** How long a load may take before `LoadTimeoutError`. Default: no limit. */
  readonly hardTimeout?: Duration | undefined;
  /** Loads of this cache that may run at once in this process. Default 64. */
  readonly maxConcurrentLoads?: number | undefined;
  /** Tags of an entry: fixed, or from the value and the arguments. */
  readonly tags?: readonly string[] | ((value: Value, ...args: Fixed<Args>) => readonly string[]) | undefined;
  /** For each event that concerns this cache: the keys and tags it clears, from its payload. Applied by `CacheEventsModule` and `applyEvent`. */
  readonly invalidatedBy?: InvalidatedBy<Args> | undefined;
  /** The part of lookups (0 to 1) that ought to be hits; documents the cache, changes nothing in how it works. */
  readonly expectedHitRatio?: number | undefined;
  /** Turns stored plain data back into class instances. */
  readonly hydrate?: Hydrator<Value> | undefined;
  /** The tenant the current call acts for; a missing one throws `CacheKeyError`. */
  readonly tenant?: (() => string | number | undefined) | undefined;
  readonly consistency?: Consistency | undefined;
  readonly isolation?: Isolation | undefined;
  readonly serializer?: Serializer | undefined;
  /** Payloads above this are compressed on their way to the second tier. Default 16 KB. */
  readonly compressAbove?: ByteSize | undefined;
  /** Values above this are returned but not stored. Default 1 MB. */
  readonly maxValueBytes?: ByteSize | undefined;
}

/** Options of one call; at most these. */
export interface CallOptions {
  readonly ttl?: Duration | undefined;
  readonly grace?: Duration | undefined;
  readonly negativeTtl?: Duration | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly softTimeout?: Duration | undefined;
  readonly hardTimeout?: Duration | undefined;
  readonly consistency?: Consistency | undefined;
  /** Which tiers this call may use. Default both. */
  readonly tiers?: readonly ('l1' | 'l2')[] | undefined;
  /** Load even if a fresh entry exists. */
  readonly forceRefresh?: boolean | undefined;
  /** Cancels this caller's wait; the load itself is aborted when its last waiting caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

declare const inferred: unique symbol;

/** A cache, declared once: its key, lifetime, tags, owner and what clears it. Made by {@link defineCache}. */
export interface CacheDefinition<Args extends AnyArgs = AnyArgs, Value = any> extends CacheDefinitionOptions<
  Args,
  Value
> {
  /** Carries the types; never present at run time. */
  readonly [inferred]?: { args: Args; value: Value };
}

/** The key arguments, and the value, of a definition. */
export type ArgsOf<Definition> = Definition extends CacheDefinition<infer Args, any> ? Args : never;
export type ValueOf<Definition> = Definition extends CacheDefinition<any, infer Value> ? Value : never;
