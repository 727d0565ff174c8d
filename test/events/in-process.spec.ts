import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CacheModule, Strata, defineCache } from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule } from '@strata-cache/nestjs/microservices';

interface Moved {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

const productCache = defineCache<[id: string], string>({
  name: 'product',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '5m',
  invalidatedBy: {
    'price.changed': (e: { id: string }) => ({ keys: [e.id] }),
    'product.moved': (e: Moved) => ({ keys: [e.id], tags: [`category:${e.from}`, `category:${e.to}`] }),
  },
});

const listCache = defineCache<[category: string], string>({
  name: 'list',
  version: 1,
  owner: 'Catalog',
  key: (category) => category,
  ttl: '5m',
  tags: (_list, category) => [`category:${category}`],
});

let app: INestApplicationContext | undefined;
afterEach(async () => app?.close());

describe('events without a broker', () => {
  it('clear what they name, tags of other caches included', async () => {
    @Module({
      imports: [CacheModule.forRoot({ namespace: 'events' }), CacheEventsModule.forRoot({ caches: [productCache] })],
    })
    class AppModule {}
    app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const strata = app.get(Strata);
    const products = strata.cache(productCache);
    const lists = strata.cache(listCache);
    for (const id of ['1', '2']) await products.set(id, `product ${id}`);
    for (const category of ['a', 'b', 'c']) await lists.set(category, category);
    const events = app.get(CacheEvents);
    expect(await events.emit('product.moved', { id: '1', from: 'a', to: 'b' })).toBe('accepted');
    expect(products.peek('1')).toBeUndefined();
    expect(products.peek('2')).toBe('product 2');
    expect(['a', 'b', 'c'].map((category) => lists.peek(category))).toEqual([undefined, undefined, 'c']);
    expect(events.stats()).toMatchObject({ emitted: 1, applied: 1, received: 0 });
  });
});
