import type { CacheDefinition } from '@strata-cache/core';
import type { MethodSite } from '../decorated-method.js';
import { refuseRequestObjects } from './request-objects.js';

type Args = readonly any[];
export type KeyOfCall = (args: Args) => any;

/**
 * The key of a call: what `args` makes of the method's arguments, or all of them as a tuple. Never cut by `key.length`:
 * parameters with defaults and rest parameters do not count in it. It only tells how many arguments are surely used.
 */
export function keyFromCall(
  definition: CacheDefinition<any, any>,
  toKey: ((...args: Args) => unknown) | undefined,
  site: MethodSite,
): KeyOfCall {
  if (toKey === undefined) {
    const used = definition.key?.length ?? 0;
    return (args) => {
      refuseRequestObjects(args, used, site);
      return asKey(args);
    };
  }
  return (args) => {
    const key = toKey(...args);
    if (typeof key === 'object' && key !== null) {
      const parts: readonly unknown[] = Array.isArray(key) ? key : [key];
      refuseRequestObjects(parts, parts.length, site);
    }
    return key;
  };
}

/** A single argument stands for itself: the engine has a shorter way for it. An array would be taken for the tuple. */
export function asKey(args: Args): unknown {
  return args.length === 1 && !Array.isArray(args[0]) ? args[0] : args;
}
