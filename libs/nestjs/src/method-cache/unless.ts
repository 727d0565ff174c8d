import type { CacheDefinition, LoadContext, Strata } from '@strata-cache/core';
import type { MethodSite } from '../decorated-method.js';
import { messages } from '../messages.js';
import { report } from './method-call.js';

/** One run of a method for the cache. */
export interface MethodLoad {
  readonly strata: Strata;
  readonly definition: CacheDefinition<any, any>;
  readonly site: MethodSite;
  readonly unless: ((result: any, ...args: any[]) => boolean) | undefined;
  readonly args: readonly any[];
  readonly context: LoadContext<any>;
}

/** Keeps a result that `unless` refuses out of the cache. One that it throws on is better loaded again than kept. */
export function unlessSaysNo(running: Promise<any>, load: MethodLoad): Promise<any> {
  const { strata, definition, site, unless, args, context } = load;
  if (unless === undefined) return running;
  return running.then((result) => {
    try {
      if (unless(result, ...args)) context.skip();
    } catch (error) {
      context.skip();
      const message = messages.callbackFailed(site.name, site.decorator, 'unless', error);
      report(strata, 'callback', definition.name, message);
    }
    return result as unknown;
  });
}
