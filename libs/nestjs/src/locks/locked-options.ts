import {
  asBoolean,
  asLockTtl,
  CacheConfigError,
  CacheKeyError,
  duration,
  type AnyArgs,
  type Fixed,
  type LockOptions,
} from '@strata-cache/core';
import type { MethodSite } from '../decorated-method.js';
import { messages } from '../messages.js';
import { checkOptions, type OptionRule } from '../option-checks.js';

/** Options of `@Locked`. Callbacks are typed by the decorated method. */
export interface LockedOptions<MethodArgs extends AnyArgs> extends Omit<LockOptions, 'signal'> {
  /** The name of the lock, unique per namespace: fixed, or from the method's arguments. Required. */
  readonly key: string | ((...args: Fixed<MethodArgs>) => string);
  /** Picks the signal that cancels the wait from the method's arguments. The method itself is told by `currentLease().signal`. */
  readonly signal?: ((...args: Fixed<MethodArgs>) => AbortSignal | undefined) | undefined;
}

export const LOCKED_OPTIONS = {
  key: 'any',
  ttl: 'any',
  wait: 'any',
  renew: 'any',
  reentrant: 'any',
  signal: 'function',
} as const satisfies Record<keyof LockedOptions<any>, OptionRule>;

/** @throws CacheConfigError naming the option that is unknown, missing or wrong */
export function checkLockedOptions(options: LockedOptions<any>, site: MethodSite): void {
  if (typeof options !== 'object' || options === null) throw new CacheConfigError(messages.noLockKey(site.name));
  checkOptions(options, LOCKED_OPTIONS, site);
  const { key, ttl, wait, renew, reentrant } = options;
  if (typeof key !== 'function' && (typeof key !== 'string' || key === '')) {
    throw new CacheConfigError(messages.noLockKey(site.name));
  }
  const named = (option: string): string => `${site.name}: @${site.decorator}: ${option}`;
  if (ttl !== undefined) asLockTtl(ttl, named('ttl'));
  // None at all is a wait as well; the upper bound is that of a ttl.
  if (wait !== undefined && duration(wait, named('wait')) > 0) asLockTtl(wait, named('wait'));
  if (renew !== undefined) asBoolean(renew, named('renew'));
  if (reentrant !== undefined) asBoolean(reentrant, named('reentrant'));
}

/** @throws CacheKeyError when the callback returned something that names no lock, such as a promise or nothing */
export function lockKeyOf(key: LockedOptions<any>['key'], args: readonly any[], site: MethodSite): string {
  if (typeof key === 'string') return key;
  const name: unknown = key(...args);
  if (typeof name === 'string' && name !== '') return name;
  throw new CacheKeyError(messages.badLockKey(site.name, name === '' ? "''" : `a value of type ${typeof name}`));
}
