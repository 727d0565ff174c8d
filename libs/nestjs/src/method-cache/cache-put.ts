import { CacheConfigError, CacheKeyError, type AnyArgs, type CacheDefinition, type Strata } from '@strata-cache/core';
import { promiseOf, type AnyMethod, type MethodSite } from '../decorated-method.js';
import type { CheckedMethodDecorator, GivenNames } from '../decorator-types.js';
import { engineOf } from '../engine-slot.js';
import { messages } from '../messages.js';
import { checkOptions, type OptionRule } from '../option-checks.js';
import { CacheHandles, report } from './method-call.js';
import { keyFromCall } from './method-key.js';
import type { CachePutOptions } from './method-options.js';
import { checkDefinition, decorateMethod } from './method-site.js';
import type { PutCheck } from './method-types.js';

type Options = CachePutOptions<any, any, any, any>;

const OPTIONS = {
  args: 'function',
  value: 'function',
  condition: 'function',
  unless: 'function',
} as const satisfies Record<keyof Options, OptionRule>;

/**
 * Runs the method always and stores its result. The key is fenced before the method runs, so neither a load nor an
 * invalidation in between is overwritten by what it returns. The key comes from the arguments; for rows that get their
 * key in the method use `@CacheEvict` or `cache.set`. When storing fails, the method does not: a warning is logged.
 * @throws CacheConfigError at decoration for unknown options, statics, accessors and methods that return no promise
 */
export function CachePut<
  KeyArgs extends AnyArgs,
  Value,
  Args extends AnyArgs = any,
  Result = any,
  Given extends string = never,
>(
  definition: CacheDefinition<KeyArgs, Value>,
  options?: CachePutOptions<Args, Result, KeyArgs, Value> & GivenNames<Given>,
): CheckedMethodDecorator<Args, Result, PutCheck<Args, Result, KeyArgs, Value, Given, keyof typeof OPTIONS>> {
  return ((target: object, property: string | symbol, descriptor: PropertyDescriptor | undefined): void => {
    decorateMethod('CachePut', target, property, descriptor, (original, site) => {
      checkDefinition(definition, site);
      checkOptions(options ?? {}, OPTIONS, site);
      const given: Options = options ?? {};
      return { method: puttingMethod(original, site, definition, given), definition, options: { ...given } };
    });
  }) as CheckedMethodDecorator<any, any, unknown>;
}

export function puttingMethod(
  original: AnyMethod,
  site: MethodSite,
  definition: CacheDefinition<any, any>,
  { args: toKey, value, condition, unless }: Options,
): AnyMethod {
  const handles = new CacheHandles(definition);
  const keyOfCall = keyFromCall(definition, toKey, site);

  return function (this: any, ...args: any[]): any {
    const strata = engineOf(this);
    return strata === undefined ? original.apply(this, args) : run(this, strata, args);
  };

  async function run(instance: unknown, strata: Strata, args: any[]): Promise<any> {
    if (condition !== undefined && !condition(...args)) return original.apply(instance, args);
    let running: Promise<any> | undefined;
    // Async, so that a synchronous throw is a rejection as well and the method is known to have begun.
    const attempt = async (): Promise<any> => promiseOf(original.apply(instance, args), site);
    const produce = (): Promise<any> => (running = attempt());
    try {
      return await handles
        .of(strata)
        .put(keyOfCall(args), produce, { value: (result: any) => stored(strata, result, args) });
    } catch (error) {
      // Still to run: a wrong key is the caller's to know, anything else must not keep the method from running.
      if (running === undefined) {
        if (error instanceof CacheConfigError || error instanceof CacheKeyError) throw error;
        report(strata, 'put', definition.name, messages.putFailed(site.name, error));
        return produce();
      }
      // Has run: its own error is the answer, and so is its result when only storing failed.
      const result = await running;
      report(strata, 'put', definition.name, messages.putFailed(site.name, error));
      return result;
    }
  }

  /** `undefined` stores nothing and deletes the key, which is right whenever we do not know what to store. */
  function stored(strata: Strata, result: any, args: any[]): any {
    try {
      if (unless?.(result, ...args)) return undefined;
      return value === undefined ? result : value(result, ...args);
    } catch (error) {
      report(strata, 'callback', definition.name, messages.callbackFailed(site.name, site.decorator, 'value', error));
      return undefined;
    }
  }
}
