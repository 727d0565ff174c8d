import { defineCache, type Cache, type CacheOf } from '@strata-cache/core';
import { CacheModule } from './cache.module.js';
import { getCacheToken } from './cache-token.js';
import { CachePut } from './method-cache/cache-put.js';
import { Cacheable } from './method-cache/cacheable.js';

interface Product {
  readonly id: string;
  readonly categoryId: string;
}

/** Types from the explicit pair, and from `key` and `tags`. */
const explicit = defineCache<[id: string], Product>({ name: 'a', version: 1, owner: 'x', key: (id) => id, ttl: '1m' });
const inferred = defineCache({
  name: 'b',
  version: 1,
  owner: 'x',
  key: (id: string, lang: string) => [id, lang],
  ttl: '1m',
  tags: (product: Product, id) => [`${id}:${product.categoryId}`],
});
const untyped = defineCache({ name: 'c', version: 1, owner: 'x', key: (id: string) => id, ttl: '1m' });

export const cache: Cache<[id: string], Product> = undefined as unknown as CacheOf<typeof explicit>;
export const token: string = getCacheToken(explicit);

export class Catalog {
  @Cacheable(inferred)
  async find(id: string, lang: string): Promise<Product> {
    return { id, categoryId: lang };
  }

  // @ts-expect-error the definition does not say what it holds
  @Cacheable(untyped)
  async untyped(id: string): Promise<Product> {
    return { id, categoryId: '' };
  }

  // @ts-expect-error the definition does not say what it holds
  @CachePut(untyped)
  async untypedPut(id: string): Promise<Product> {
    return { id, categoryId: '' };
  }
}

CacheModule.forRoot();
CacheModule.forRoot({ namespace: 'prod:catalog', isGlobal: false, maxStaleness: '5s', heartbeat: '1s' });
CacheModule.forRootAsync({ inject: ['URL'], useFactory: async (namespace: string) => ({ namespace }) });
CacheModule.forFeature([explicit, inferred]);

// @ts-expect-error unknown option
CacheModule.forRoot({ refreshAhead: 0.5 });
CacheModule.forRoot({ http: { global: true, identity: { cookies: ['sid'] } } });
// @ts-expect-error unknown option
CacheModule.forRoot({ http: { everywhere: true } });
CacheModule.forRoot({ transactions: { afterCommit: (run) => void run() } });
// @ts-expect-error no hook
CacheModule.forRoot({ transactions: {} });
// @ts-expect-error no unit
CacheModule.forRoot({ maxStaleness: '5 seconds' });
// @ts-expect-error an untyped definition
CacheModule.forFeature([untyped]);
// @ts-expect-error definitions come as a list
CacheModule.forFeature(explicit);
