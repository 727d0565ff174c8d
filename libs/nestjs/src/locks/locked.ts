import { CacheConfigError, type AnyArgs } from '@strata-cache/core';
import { promiseOf, wrapMethod, type AnyMethod, type MethodSite } from '../decorated-method.js';
import type { CheckedMethodDecorator, GivenNames, ReturnsPromise, Then, UnknownOption } from '../decorator-types.js';
import { engineOf } from '../engine-slot.js';
import { messages } from '../messages.js';
import { withCurrentLease } from './current-lease.js';
import { checkLockedOptions, lockKeyOf, type LOCKED_OPTIONS, type LockedOptions } from './locked-options.js';

type LockedCheck<Result, Given extends string> = Then<
  UnknownOption<Given, keyof typeof LOCKED_OPTIONS>,
  ReturnsPromise<Result>
>;

/**
 * Runs a method under an exclusive lock of the application's engine and releases it when the promise settles; the method
 * reaches its lease with `currentLease()`. The method's own error reaches the caller untouched; when it succeeds although
 * the lease was lost, the call rejects with `LeaseLostError`. Rejects with `LockTimeoutError` when the lock is not granted
 * within `wait`. Where no engine is, also with plain `new`, every call rejects: a locked method never runs unlocked.
 * @throws CacheConfigError at decoration for unknown or wrong options, statics, accessors and methods that return no promise
 */
export function Locked<Args extends AnyArgs = any, Result = any, Given extends string = never>(
  options: LockedOptions<Args> & GivenNames<Given>,
): CheckedMethodDecorator<Args, Result, LockedCheck<Result, Given>> {
  return ((target: object, property: string | symbol, descriptor: PropertyDescriptor | undefined): void => {
    wrapMethod('Locked', target, property, descriptor, (original, site) => {
      checkLockedOptions(options, site);
      return lockedMethod(original, site, options);
    });
  }) as CheckedMethodDecorator<any, any, unknown>;
}

export function lockedMethod(
  original: AnyMethod,
  site: MethodSite,
  { key, signal, ...options }: LockedOptions<any>,
): AnyMethod {
  return async function (this: any, ...args: any[]): Promise<any> {
    const strata = engineOf(this);
    if (strata === undefined) throw new CacheConfigError(messages.noLocks(`${site.name}: @${site.decorator}`));
    const run = (): Promise<any> => promiseOf(original.apply(this, args), site);
    return withCurrentLease(strata.locks, lockKeyOf(key, args, site), run, { ...options, signal: signal?.(...args) });
  };
}
