import { defineCache, type AnyArgs, type CacheDefinition, type KeyPart, type LoadContext } from '@strata-cache/core';
import { promiseOf, type AnyMethod, type MethodSite } from '../decorated-method.js';
import type { CheckedMethodDecorator, GivenNames } from '../decorator-types.js';
import { engineOf } from '../engine-slot.js';
import { checkOptions, type OptionRule } from '../option-checks.js';
import { batchedMethod } from './cached-batch.js';
import type { CacheableEachCheck, EachMode } from './each-types.js';
import { CacheHandles } from './method-call.js';
import { asKey, keyFromCall, type KeyOfCall } from './method-key.js';
import type { CacheableEachOptions, CacheableOptions, InlineCacheableOptions } from './method-options.js';
import { checkDefinition, decorateMethod } from './method-site.js';
import type { CacheableCheck, InlineCheck } from './method-types.js';
import { refuseRequestObjects } from './request-objects.js';
import { unlessSaysNo } from './unless.js';

const OPTIONS = {
  args: 'function',
  condition: 'function',
  unless: 'function',
  each: [true, false, 'map'],
} as const satisfies Record<keyof CacheableOptions<any, any, any>, OptionRule>;
/** The engine checks the values of what belongs to the definition. */
const INLINE_OPTIONS = {
  ttl: 'any',
  key: 'function',
  tags: 'any',
  grace: 'any',
  negativeTtl: 'any',
  negativeErrors: 'any',
  sharedErrors: 'any',
  jitter: 'any',
  refreshAhead: 'any',
  softTimeout: 'any',
  hardTimeout: 'any',
  maxConcurrentLoads: 'any',
  hydrate: 'any',
  tenant: 'any',
  condition: 'function',
  unless: 'function',
} as const satisfies Record<keyof InlineCacheableOptions<any, any>, OptionRule>;

/**
 * Answers a method from a cache: a hit returns the stored value, a miss runs the method once for all waiting callers.
 * The method's first arguments are the key arguments of the definition, unless `args` says otherwise; the method's own
 * error reaches the caller untouched. Without an engine (plain `new`) the method runs as if it were not decorated.
 * @throws CacheConfigError at decoration for unknown options, statics, accessors and methods that return no promise
 */
export function Cacheable<
  KeyArgs extends AnyArgs,
  Value,
  Args extends AnyArgs = any,
  Result = any,
  Given extends string = never,
>(
  definition: CacheDefinition<KeyArgs, Value>,
  options?: CacheableOptions<Args, Result, KeyArgs> & GivenNames<Given>,
): CheckedMethodDecorator<Args, Result, CacheableCheck<Args, Result, KeyArgs, Value, Given, keyof typeof OPTIONS>>;
/**
 * With `each` the method takes an array of keys and returns an array of values, or a Map; it runs once for the keys that are missing.
 */
export function Cacheable<
  KeyArgs extends AnyArgs,
  Value,
  Each extends EachMode,
  Args extends AnyArgs = any,
  Result = any,
  Given extends string = never,
>(
  definition: CacheDefinition<KeyArgs, Value>,
  options: CacheableEachOptions<Args, Result, KeyArgs, Each> & GivenNames<Given>,
): CheckedMethodDecorator<
  Args,
  Result,
  CacheableEachCheck<Args, Result, KeyArgs, Value, Given, keyof typeof OPTIONS, Each>
>;
/**
 * The inline form: a cache named `Class.method` after the declaring class. Without `key` all arguments are the key.
 */
export function Cacheable<Args extends AnyArgs = any, Result = any, Given extends string = never>(
  options: InlineCacheableOptions<Args, Result> & GivenNames<Given>,
): CheckedMethodDecorator<Args, Result, InlineCheck<Args, Result, Given, keyof typeof INLINE_OPTIONS>>;
export function Cacheable(
  first: CacheDefinition<any, any> | InlineCacheableOptions<any, any>,
  options: CacheableOptions<any, any, any> | CacheableEachOptions<any, any, any, EachMode> = {},
): CheckedMethodDecorator<any, any, unknown> {
  return (target: object, property: string | symbol, descriptor: PropertyDescriptor | undefined): void => {
    decorateMethod('Cacheable', target, property, descriptor, (original, site) => {
      if (first !== undefined && !('name' in first)) return inlineMethod(original, site, first);
      const definition = first as CacheDefinition<any, any>;
      checkDefinition(definition, site);
      checkOptions(options, OPTIONS, site);
      if (options.each) return { method: batchedMethod(original, site, definition, options), definition };
      return {
        method: cachedMethod(original, site, definition, keyFromCall(definition, options.args, site), options),
        definition,
      };
    });
  };
}

function inlineMethod(
  original: AnyMethod,
  site: MethodSite,
  options: InlineCacheableOptions<any, any>,
): { method: AnyMethod; definition: CacheDefinition<any, any>; keyIsArguments: boolean } {
  checkOptions(options, INLINE_OPTIONS, site);
  const { condition, unless, key, ...inline } = options;
  const definition = defineCache<any[], any>({
    ...inline,
    name: site.name,
    version: 1,
    owner: site.className,
    key: key ?? allArguments,
  }) as unknown as CacheDefinition<any, any>;
  // With `key` the callback picks what it needs, a request included; without it every argument is a part of the key.
  const keyOfCall = key === undefined ? everyArgument(site) : asKey;
  const method = cachedMethod(original, site, definition, keyOfCall, { condition, unless });
  return { method, definition, keyIsArguments: key === undefined };
}

function everyArgument(site: MethodSite): KeyOfCall {
  return (args) => {
    refuseRequestObjects(args, args.length, site);
    return asKey(args);
  };
}

const allArguments = (...args: KeyPart[]): readonly KeyPart[] => args;

/** The method as it runs: the promise of the cache is returned as it is, so a hit costs no promise of ours. */
export function cachedMethod(
  original: AnyMethod,
  site: MethodSite,
  definition: CacheDefinition<any, any>,
  keyOfCall: KeyOfCall,
  { condition, unless }: Pick<CacheableOptions<any, any, any>, 'condition' | 'unless'>,
): AnyMethod {
  const handles = new CacheHandles(definition);
  return function (this: any, ...args: any[]): any {
    const strata = engineOf(this);
    if (strata === undefined) return original.apply(this, args);
    try {
      if (condition === undefined || condition(...args)) {
        return handles.of(strata).getOrSet(keyOfCall(args), (context: LoadContext<any>) =>
          unlessSaysNo(promiseOf(original.apply(this, args), site), {
            strata,
            definition,
            site,
            unless,
            args,
            context,
          }),
        );
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return original.apply(this, args);
  };
}
