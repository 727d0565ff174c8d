import {
  asPositiveDuration,
  CacheConfigError,
  type AnyArgs,
  type Cache,
  type CacheDefinition,
  type Duration,
  type Strata,
} from '@strata-cache/core';
import { promiseOf, type AnyMethod, type MethodSite } from '../decorated-method.js';
import type { CheckedMethodDecorator, GivenNames } from '../decorator-types.js';
import { engineOf } from '../engine-slot.js';
import { messages } from '../messages.js';
import { deferToCommit } from './after-commit.js';
import { checkOptions, type OptionRule } from '../option-checks.js';
import { CacheHandles, report } from './method-call.js';
import { keyFromCall } from './method-key.js';
import type { CacheEvictOptions } from './method-options.js';
import { checkDefinition, decorateMethod } from './method-site.js';
import type { EvictCheck } from './method-types.js';

type Options = CacheEvictOptions<any, any, any>;

const OPTIONS = {
  args: 'function',
  keys: 'function',
  tags: 'function',
  allEntries: 'boolean',
  condition: 'function',
  mode: ['delete', 'expire'],
  phase: ['before', 'afterReturn', 'afterCommit'],
  hold: 'any',
} as const satisfies Record<keyof Options, OptionRule>;

/**
 * Invalidates entries of a cache around a method: the key of its first arguments, or what `args`, `keys`, `tags` and
 * `allEntries` say. Once the promise of the method resolves, the invalidation has been done. When the method fails
 * nothing is invalidated (except with `phase: 'before'`); when the invalidation fails, the method does not: the observer is told.
 * With `phase: 'afterCommit'` it waits for the commit of the transaction the method is in, and a rollback leaves the cache alone.
 * With `hold` nothing is stored for the key while the method runs, and a hold that cannot be taken is a `TierError` in its place.
 * @throws CacheConfigError at decoration for unknown options, statics, accessors and methods that return no promise
 */
export function CacheEvict<
  KeyArgs extends AnyArgs,
  Value,
  Args extends AnyArgs = any,
  Result = any,
  Given extends string = never,
>(
  definition: CacheDefinition<KeyArgs, Value>,
  options?: CacheEvictOptions<Args, Result, KeyArgs> & GivenNames<Given>,
): CheckedMethodDecorator<Args, Result, EvictCheck<Args, Result, KeyArgs, Given, keyof typeof OPTIONS>> {
  return ((target: object, property: string | symbol, descriptor: PropertyDescriptor | undefined): void => {
    decorateMethod('CacheEvict', target, property, descriptor, (original, site) => {
      checkDefinition(definition, site);
      const given: Options = options ?? {};
      checkOptions(given, OPTIONS, site);
      for (const name of ['keys', 'tags'] as const) {
        if (given.phase === 'before' && given[name] !== undefined) {
          throw new CacheConfigError(messages.resultBefore(site.name, name));
        }
      }
      const method = evictingMethod(original, site, definition, given, holdOf(given, site));
      return { method, definition, options: { ...given } };
    });
  }) as CheckedMethodDecorator<any, any, unknown>;
}

export function evictingMethod(
  original: AnyMethod,
  site: MethodSite,
  definition: CacheDefinition<any, any>,
  options: Options,
  hold: Duration | undefined,
): AnyMethod {
  const handles = new CacheHandles(definition);
  const { args: toKey, keys, tags, allEntries = false, condition, mode = 'delete', phase = 'afterReturn' } = options;
  const byArguments = toKey !== undefined || (keys === undefined && tags === undefined && !allEntries);
  const keyOfCall = byArguments ? keyFromCall(definition, toKey, site) : undefined;

  return function (this: any, ...args: any[]): any {
    const strata = engineOf(this);
    return strata === undefined ? original.apply(this, args) : run(this, strata, args);
  };

  async function run(instance: unknown, strata: Strata, args: any[]): Promise<any> {
    if (condition !== undefined && !condition(...args)) return original.apply(instance, args);
    const cache = handles.of(strata);
    // Before the method runs: it may change what it was given, and a wrong key is better told before anything is written.
    const ownKeys = keyOfCall === undefined ? [] : [keyOfCall(args)];
    if (hold !== undefined) {
      // The hold evicts its keys itself, before and after the method.
      const held = async (): Promise<any> =>
        evictAfter(cache, strata, [], await promiseOf(original.apply(instance, args), site), args);
      return cache.withHold(ownKeys, held, hold);
    }
    if (phase === 'before') {
      await evict(cache, strata, ownKeys, []).catch((error) =>
        report(strata, 'evict', definition.name, messages.evictBeforeFailed(site.name, error)),
      );
      return promiseOf(original.apply(instance, args), site);
    }
    return evictAfter(cache, strata, ownKeys, await promiseOf(original.apply(instance, args), site), args);
  }

  async function evictAfter(
    cache: Cache<any, any>,
    strata: Strata,
    ownKeys: readonly any[],
    result: any,
    args: any[],
  ): Promise<any> {
    const failed = (error: unknown): void =>
      report(strata, 'evict', definition.name, messages.evictFailed(site.name, error));
    try {
      // Now, not at the commit: the arguments and the result may be changed until then.
      const more = keys === undefined ? ownKeys : [...ownKeys, ...keys(result, ...args)];
      const wanted = tags === undefined ? [] : tags(result, ...args);
      const evicting = async (): Promise<void> => evict(cache, strata, more, wanted).catch(failed);
      if (phase !== 'afterCommit' || !deferred(strata, evicting)) await evicting();
    } catch (error) {
      failed(error);
    }
    return result;
  }

  /** A hook that fails must not cost the invalidation: one too many costs a load, one too few a stale value. */
  function deferred(strata: Strata, evicting: () => Promise<void>): boolean {
    try {
      return deferToCommit(strata, evicting);
    } catch (error) {
      report(strata, 'evict', definition.name, messages.commitHookFailed(site.name, error));
      return false;
    }
  }

  async function evict(
    cache: Cache<any, any>,
    strata: Strata,
    evictedKeys: readonly any[],
    evictedTags: readonly string[],
  ): Promise<void> {
    const work: Promise<unknown>[] = [];
    if (allEntries) work.push(cache.clear({ mode }));
    else if (evictedKeys.length > 0) {
      work.push(mode === 'expire' ? cache.expireMany(evictedKeys) : cache.deleteMany(evictedKeys));
    }
    if (evictedTags.length > 0) work.push(strata.invalidateTags(evictedTags, { mode }));
    await Promise.all(work);
  }
}

/**
 * How long a hold lasts, or undefined for none.
 * @throws CacheConfigError for what is no duration, and for options that a hold around the method excludes
 */
function holdOf(options: Options, site: MethodSite): Duration | undefined {
  const { hold, keys, tags, args, allEntries, mode, phase } = options;
  if (hold === undefined || hold === false) return undefined;
  const excluded =
    (keys !== undefined && "'keys'") ||
    (allEntries === true && "'allEntries'") ||
    (mode === 'expire' && "mode 'expire'") ||
    (phase !== undefined && "'phase'");
  if (excluded) throw new CacheConfigError(messages.holdConflict(site.name, excluded));
  if (tags !== undefined && args === undefined) {
    throw new CacheConfigError(messages.holdNeedsKeys(site.name));
  }
  return hold === true ? DEFAULT_HOLD : asPositiveDuration(hold, `${site.name}: @CacheEvict: hold`);
}

/** Longer than transactions usually may take. */
const DEFAULT_HOLD: Duration = '30s';
