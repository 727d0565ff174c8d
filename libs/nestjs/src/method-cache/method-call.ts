import { Logger } from '@nestjs/common';
import type { Cache, CacheDefinition, Strata } from '@strata-cache/core';

const logger = new Logger('Strata');

/** The cache of a definition in each engine, resolved once. Weak: a closed application takes its caches along. */
export class CacheHandles {
  readonly #definition: CacheDefinition<any, any>;
  readonly #handles = new WeakMap<Strata, Cache<any, any>>();

  constructor(definition: CacheDefinition<any, any>) {
    this.#definition = definition;
  }

  of(strata: Strata): Cache<any, any> {
    let handle = this.#handles.get(strata);
    if (handle === undefined) {
      handle = strata.cache(this.#definition) as Cache<any, any>;
      this.#handles.set(strata, handle);
    }
    return handle;
  }
}

/** What the cache could not do around a method; observers see the kind as `method.evict` and so on. */
export type Trouble = 'evict' | 'put' | 'callback';

/** Says that the cache could not do its part of a call that succeeded. Told to the observer, else logged; never thrown. */
export function report(strata: Strata, trouble: Trouble, cache: string, message: string): void {
  if (!strata.notice({ level: 'warn', name: `method.${trouble}`, cache, message })) logger.warn(message);
}
