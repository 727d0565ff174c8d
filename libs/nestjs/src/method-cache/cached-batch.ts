import { CacheConfigError, CacheKeyError, type CacheDefinition, type LoadContext } from '@strata-cache/core';
import { kindOf, promiseOf, type AnyMethod, type MethodSite } from '../decorated-method.js';
import { engineOf } from '../engine-slot.js';
import { messages } from '../messages.js';
import type { EachMode } from './each-types.js';
import { CacheHandles } from './method-call.js';
import type { CacheableEachOptions } from './method-options.js';
import { refuseRequestObjects } from './request-objects.js';
import { unlessSaysNo } from './unless.js';

type Options = CacheableEachOptions<any, any, any, EachMode>;

/** What one call asks for. */
interface Asked {
  /** Which argument is the array, and what it held when the method was called. */
  readonly position: number;
  readonly elements: readonly unknown[];
  /** The key of each element as the caller knows it, and as an argument tuple of its own. */
  readonly keys: readonly unknown[];
  readonly tuples: readonly (readonly unknown[])[];
}

/**
 * The method of `each`: the values of many keys, loaded by one call of the method with the elements whose values are missing.
 * @throws CacheConfigError at decoration for a cache without `key`
 */
export function batchedMethod(
  original: AnyMethod,
  site: MethodSite,
  definition: CacheDefinition<any, any>,
  { args: toKeys, condition, unless, each }: Options,
): AnyMethod {
  if (definition.key === undefined) throw new CacheConfigError(messages.eachWithoutKey(site.name, definition.name));
  const handles = new CacheHandles(definition);

  return function (this: any, ...args: any[]): any {
    const strata = engineOf(this);
    if (strata === undefined) return original.apply(this, args);
    try {
      if (condition !== undefined && !condition(...args)) return original.apply(this, args);
      const asked = askedBy(args, toKeys as ((...args: any[]) => unknown) | undefined, site);
      // The engine hands the tuples of missing keys back as they are; the first element of a key stands for its repetitions.
      const elementOf = new Map(asked.tuples.map((tuple, index) => [tuple, asked.elements[index]]));
      const loadMissing = async (context: LoadContext<any>, missing: readonly (readonly unknown[])[]): Promise<any> => {
        const forMissing = args.with(
          asked.position,
          missing.map((tuple) => elementOf.get(tuple)),
        );
        const running = promiseOf(original.apply(this, forMissing), site);
        const loaded: unknown = await unlessSaysNo(running, {
          strata,
          definition,
          site,
          unless,
          args: forMissing,
          context,
        });
        // A method is known by what it returns only when it runs, but its callers get the same kind on hits and without an engine.
        if (each === 'map' ? loaded instanceof Map : Array.isArray(loaded)) return loaded;
        throw new CacheConfigError(messages.eachResult(site.name, String(each), describe(loaded)));
      };
      const values = handles.of(strata).getOrSetMany(asked.tuples, loadMissing);
      return each === 'map' ? values.then((found) => asMap(asked, found)) : values;
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** @throws CacheKeyError where the array, or a key for one of its elements, is missing */
function askedBy(args: any[], toKeys: ((...args: any[]) => unknown) | undefined, site: MethodSite): Asked {
  const keys: unknown = toKeys === undefined ? args[0] : toKeys(...args);
  // The keys themselves, where `args` picks an argument; else what they are made from.
  const itself = args.indexOf(keys);
  const position = itself >= 0 ? itself : args.findIndex((arg) => Array.isArray(arg));
  const elements: unknown = args[position];
  if (!Array.isArray(elements)) throw new CacheKeyError(messages.eachNeedsArray(site.name, describe(args[0])));
  if (!Array.isArray(keys) || keys.length !== elements.length) {
    const got = Array.isArray(keys) ? `${keys.length} keys` : describe(keys);
    throw new CacheKeyError(messages.eachKeys(site.name, got, elements.length));
  }
  const tuples = keys.map((key: unknown) => {
    // A copy: each element needs a tuple of its own, which tells it apart from an equal one.
    const tuple: unknown[] = Array.isArray(key) ? [...(key as unknown[])] : [key];
    refuseRequestObjects(tuple, tuple.length, site);
    return tuple;
  });
  return { position, elements: [...(elements as unknown[])], keys: [...(keys as unknown[])], tuples };
}

/** Keys are those of the call; a key without a value has no entry, as in the Map of the method. */
function asMap(asked: Asked, values: readonly unknown[]): Map<unknown, unknown> {
  const found = new Map<unknown, unknown>();
  values.forEach((value, index) => {
    if (value !== undefined) found.set(asked.keys[index], value);
  });
  return found;
}

function describe(value: unknown): string {
  return Array.isArray(value) ? 'an array' : value instanceof Map ? 'a Map' : kindOf(value);
}
