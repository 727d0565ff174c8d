import type { AnyArgs, Fixed } from '@strata-cache/core';

/**
 * A method decorator that knows the method it stands on. `Check` is `unknown` when the use is right, otherwise the
 * message the compiler prints. Not `TypedPropertyDescriptor`: it is invariant and refuses generic methods. A result of
 * type `any` switches the checks off, which keeps `applyDecorators(...)` compiling.
 */
export type CheckedMethodDecorator<Args extends AnyArgs, Result, Check> = (
  target: object,
  property: string | symbol,
  descriptor: 0 extends 1 & Result ? any : { value?: (...args: Args) => Result } & Check,
) => void;

/** The names of the options that were given. Names only: capturing the object would lose the typing of callbacks. */
export type GivenNames<Given extends string> = { readonly [Name in Given]?: unknown };

/** What the method's promise resolves to; callbacks receive it. */
export type ResultOf<Result> = Fixed<Awaited<Result>>;

/** Runs the remaining check only when the one before found nothing: two messages would intersect to `never`. */
export type Then<First, Next> = unknown extends First ? Next : First;

export type IsAny<T> = 0 extends 1 & T ? true : false;

export type UnknownOption<Given extends string, Known extends string> = [Exclude<Given, Known>] extends [never]
  ? unknown
  : `unknown option '${Exclude<Given, Known>}'`;

export type ReturnsPromise<Result> = [Result] extends [Promise<unknown>]
  ? unknown
  : 'the method must return a promise: make it async (an Observable or a plain value will not do)';
