import type { AnyArgs, Fixed, KeyOf, MapKey } from '@strata-cache/core';
import type { IsAny, ReturnsPromise, Then, UnknownOption } from '../decorator-types.js';
import type { HoldsValue, KeyGiven, NoDataAfterKey, SameValue } from './method-types.js';

/** How a method answers for many keys: with an array (`true`) or a Map. */
export type EachMode = true | 'map';

/**
 * The keys of many, made from the method's arguments. A Map is keyed by what they are, so they have one form there. `Fixed`, or the
 * array itself would be taken for the tuple of key arguments.
 */
export type KeysFrom<MethodArgs extends AnyArgs, KeyArgs extends AnyArgs, Each extends EachMode> = (
  ...args: Fixed<MethodArgs>
) => readonly (Each extends 'map' ? MapKey<Fixed<KeyArgs>> : KeyOf<Fixed<KeyArgs>>)[];

export type CacheableEachCheck<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Value,
  Given extends string,
  Known extends string,
  Each extends EachMode,
> = Then<
  UnknownOption<Given, Known>,
  Then<
    ReturnsPromise<Result>,
    Then<HoldsValue<Result>, ManyKeysAndValues<MethodArgs, Result, KeyArgs, Value, KeyGiven<Given, 'args'>, Each>>
  >
>;

type ManyKeysAndValues<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Value,
  ArgsGiven extends boolean,
  Each extends EachMode,
> = Then<
  [KeyArgs] extends [readonly []] ? "'each' needs a cache with a key; this one holds a single entry" : unknown,
  Then<
    ArgsGiven extends true ? AnyArray<MethodArgs> : ManyKeys<MethodArgs, KeyArgs>,
    [Each] extends ['map']
      ? MapOf<
          Awaited<Result>,
          Value,
          KeyOf<KeyArgs>,
          ArgsGiven extends true ? MapKey<KeyArgs> : ElementOf<MethodArgs[0]>
        >
      : ArrayOf<Awaited<Result>, Value>
  >
>;

type ElementOf<T> = T extends readonly (infer Element)[] ? Element : never;

type ManyKeys<MethodArgs extends AnyArgs, KeyArgs extends AnyArgs> = MethodArgs extends readonly [
  infer Keys,
  ...infer Rest,
]
  ? true extends IsAny<Keys> | IsAny<ElementOf<Keys>>
    ? ManyKeysMessage
    : [Keys] extends [readonly KeyOf<KeyArgs>[]]
      ? NoDataAfterKey<Rest>
      : ManyKeysMessage
  : ManyKeysMessage;
type ManyKeysMessage =
  "with 'each' the method's first argument must be an array of the cache's keys (bare for a single key argument, else tuples): give 'args'";

type AnyArray<MethodArgs extends AnyArgs> = [Extract<MethodArgs[number], AnyArgs>] extends [never]
  ? "with 'each' one argument of the method must be an array, with an element for each key that 'args' returns"
  : unknown;

type ArrayOf<Result, Value> = [Result] extends [readonly (infer Element)[]]
  ? Then<SameValue<Element, Value>, [Element[]] extends [Result] ? unknown : ManyResultMessage>
  : ManyResultMessage;
type ManyResultMessage =
  "with each: true the method must return an array with one value per key (for a Map by key: each: 'map')";

type MapOf<Result, Value, Keys, Asked> = [Result] extends [ReadonlyMap<infer Key, infer Element>]
  ? Then<
      SameValue<Element, Value>,
      [Key, Asked] extends [Keys, Key]
        ? [Map<Key, Element>] extends [Result]
          ? unknown
          : MapResultMessage
        : MapResultMessage
    >
  : MapResultMessage;
type MapResultMessage =
  "with each: 'map' the method must return a Map by the keys of the cache, as it is given them (for an array: each: true)";
