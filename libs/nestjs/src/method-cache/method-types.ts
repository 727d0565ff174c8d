import type { AnyArgs, Fixed, KeyOf, KeyPart } from '@strata-cache/core';
import type { IsAny, ReturnsPromise, Then, UnknownOption } from '../decorator-types.js';

export type HoldsValue<Result> = [Awaited<Result>] extends [void]
  ? 'the method returns nothing that could be cached'
  : unknown;

/** A hit hands out `Value` in place of the method's result, and a load stores the result as `Value`: both must fit. */
export type SameValue<Result, Value> = [Result] extends [Value | undefined]
  ? [Value] extends [Result]
    ? unknown
    : 'the cache may hold a value this method never returns: widen the return type or narrow the cache'
  : 'the method may return a value the cache does not hold (null, another shape): widen the value type of the cache';

/** Whether the first arguments of the method are the key arguments. */
type KeyArguments<MethodArgs extends AnyArgs, KeyArgs extends AnyArgs> = number extends KeyArgs['length']
  ? [MethodArgs] extends [KeyArgs]
    ? unknown
    : KeyArgumentMessage
  : KeyArgs extends readonly [infer Key, ...infer KeyRest]
    ? MethodArgs extends readonly [infer Argument, ...infer MethodRest]
      ? [Argument] extends [Key]
        ? KeyArguments<MethodRest, KeyRest>
        : KeyArgumentMessage
      : KeyArgumentMessage
    : KeyArgs extends readonly [(infer Key)?, ...infer KeyRest]
      ? KeyArgs extends readonly []
        ? unknown
        : MethodArgs extends readonly []
          ? unknown
          : MethodArgs extends readonly [(infer Argument)?, ...infer MethodRest]
            ? [Argument] extends [Key | undefined]
              ? KeyArguments<MethodRest, KeyRest>
              : KeyArgumentMessage
            : KeyArgumentMessage
      : unknown;
type KeyArgumentMessage =
  "the first arguments of the method are not the key arguments of the cache (wrong type, optional or too wide): give 'args'";

/** What stands after the key arguments. */
type AfterKey<MethodArgs extends AnyArgs, KeyArgs extends AnyArgs> = KeyArgs extends readonly []
  ? MethodArgs
  : MethodArgs extends readonly []
    ? []
    : MethodArgs extends readonly [unknown?, ...infer MethodRest]
      ? KeyArgs extends readonly [unknown?, ...infer KeyRest]
        ? number extends KeyArgs['length']
          ? []
          : AfterKey<MethodRest, KeyRest>
        : MethodArgs
      : [];

/** Data: anything but a function or an object that has methods (a signal, a transaction, a request). */
type IsData<T> =
  IsAny<T> extends true
    ? true
    : unknown extends T
      ? true
      : [NonNullable<T>] extends [never]
        ? true
        : NonNullable<T> extends (...args: never) => unknown
          ? false
          : NonNullable<T> extends
                string | number | boolean | bigint | symbol | AnyArgs | Date | ReadonlyMap<any, any> | ReadonlySet<any>
            ? true
            : NonNullable<T> extends object
              ? HasMethod<NonNullable<T>> extends true
                ? false
                : true
              : true;
type HasMethod<T> = true extends {
  [Name in keyof T]-?: NonNullable<T[Name]> extends (...args: never) => unknown ? true : false;
}[keyof T]
  ? true
  : false;

export type NoDataAfterKey<Rest extends AnyArgs> = Rest extends readonly []
  ? unknown
  : number extends Rest['length']
    ? IsData<Rest[number]> extends false
      ? unknown
      : DataAfterKeyMessage
    : Rest extends readonly [(infer First)?, ...infer Others]
      ? true extends IsData<First>
        ? DataAfterKeyMessage
        : NoDataAfterKey<Others>
      : unknown;
type DataAfterKeyMessage =
  "an argument after the key arguments would not be part of the key, so callers would share each other's results: give 'args', or add it to the key of the cache";

type KeyPartsOnly<MethodArgs extends AnyArgs> = [MethodArgs[number]] extends [KeyPart]
  ? IsAny<MethodArgs[number]> extends true
    ? KeyPartsMessage
    : unknown
  : KeyPartsMessage;
type KeyPartsMessage = "every argument must be a string, number, boolean or null to be the key as it is: give 'key'";

/** Whether the key comes from somewhere else than the method's first arguments. */
export type KeyGiven<Given extends string, Ways extends string> = [Extract<Given, Ways>] extends [never] ? false : true;

export type CacheableCheck<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Value,
  Given extends string,
  Known extends string,
> = Then<
  UnknownOption<Given, Known>,
  Then<
    ReturnsPromise<Result>,
    Then<
      HoldsValue<Result>,
      Then<
        SameValue<Awaited<Result>, Value>,
        KeyGiven<Given, 'args'> extends true
          ? unknown
          : Then<KeyArguments<MethodArgs, KeyArgs>, NoDataAfterKey<AfterKey<MethodArgs, KeyArgs>>>
      >
    >
  >
>;

export type InlineCheck<MethodArgs extends AnyArgs, Result, Given extends string, Known extends string> = Then<
  UnknownOption<Given, Known>,
  Then<
    ReturnsPromise<Result>,
    Then<HoldsValue<Result>, KeyGiven<Given, 'key'> extends true ? unknown : KeyPartsOnly<MethodArgs>>
  >
>;

export type EvictCheck<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Given extends string,
  Known extends string,
> = Then<
  UnknownOption<Given, Known>,
  Then<
    ReturnsPromise<Result>,
    Then<
      HoldCheck<Given>,
      KeyGiven<Given, 'args' | 'keys' | 'tags' | 'allEntries'> extends true
        ? unknown
        : KeyArguments<MethodArgs, KeyArgs>
    >
  >
>;

/** Names only: that `mode: 'expire'` excludes a hold is checked at decoration. */
type HoldCheck<Given extends string> = 'hold' extends Given
  ? KeyGiven<Given, 'keys' | 'allEntries' | 'phase'> extends true
    ? "'hold' is taken on keys known before the method runs: leave out 'keys', 'allEntries' and 'phase'"
    : 'tags' extends Given
      ? 'args' extends Given
        ? unknown
        : "'hold' is taken on keys known before the method runs, and 'tags' names none: give 'args' as well"
      : unknown
  : unknown;

export type PutCheck<
  MethodArgs extends AnyArgs,
  Result,
  KeyArgs extends AnyArgs,
  Value,
  Given extends string,
  Known extends string,
> = Then<
  UnknownOption<Given, Known>,
  Then<
    ReturnsPromise<Result>,
    Then<
      KeyGiven<Given, 'value'> extends true ? unknown : Then<HoldsValue<Result>, StorableValue<Result, Value>>,
      KeyGiven<Given, 'args'> extends true ? unknown : KeyArguments<MethodArgs, KeyArgs>
    >
  >
>;

/** A put hands the method's own result to the caller, so only storing must fit. */
type StorableValue<Result, Value> = [Awaited<Result>] extends [Value | undefined]
  ? unknown
  : "the method may return a value the cache does not hold (null, another shape): give 'value', or widen the value type of the cache";

/** A key made from the method's arguments. */
export type KeyFrom<MethodArgs extends AnyArgs, KeyArgs extends AnyArgs> = (
  ...args: Fixed<MethodArgs>
) => KeyOf<KeyArgs>;
