import { Inject, Injectable } from '@nestjs/common';
import { CacheConfigError, Strata, type CacheStats, type InvalidationResult } from '@strata-cache/core';
import { messages } from '../messages.js';
import { HttpCacheEngine } from './http-cache-engine.js';
import { resourceTag } from './representation-key.js';

/** Stored responses by hand, for what neither tags nor writes through HTTP tell. */
@Injectable()
export class HttpCacheService {
  readonly #engine: HttpCacheEngine;
  readonly #strata: Strata;

  constructor(@Inject(HttpCacheEngine) engine: HttpCacheEngine, @Inject(Strata) strata: Strata) {
    this.#engine = engine;
    this.#strata = strata;
  }

  /**
   * Removes the stored responses of absolute URLs, with every query and variant of them.
   * @throws CacheConfigError for what is no absolute http(s) URL
   */
  async invalidateUrls(urls: readonly string[]): Promise<InvalidationResult> {
    const tags = urls.map((url) => {
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw new CacheConfigError(messages.httpUrl(url));
      return resourceTag(parsed.host, parsed.pathname);
    });
    return this.#strata.invalidateTags([...new Set(tags)]);
  }

  /** Removes what carries one of the tags, stored responses and entries of other caches alike; the same as `strata.invalidateTags`. */
  async invalidateTags(tags: readonly string[]): Promise<InvalidationResult> {
    return this.#strata.invalidateTags(tags);
  }

  /** Removes every stored response. */
  async clear(): Promise<void> {
    await this.#engine.store?.clear();
  }

  /** Counters of stored responses, or undefined without an engine. */
  stats(): CacheStats | undefined {
    return this.#engine.store?.stats();
  }
}
