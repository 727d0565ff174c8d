import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, defineCache, Strata } from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule, natsInvalidationOptions } from '@strata-cache/nestjs/microservices';
import type { Kysely } from 'kysely';
import { serveCalls } from '../support/child-side.js';
import { open, type Location } from './sql-backends.js';

/** An instance that caches prices of another service in its own memory, and forgets them on `price.changed`. */
const natsUrl = process.argv[2];
const databases = new Map<string, Kysely<{ prices: { id: string; cents: number } }>>();

const prices = defineCache<[id: string], number>({
  name: 'price',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '1h',
  invalidatedBy: { 'price.changed': ({ id }: { id: string }) => ({ keys: [id] }) },
});

@Module({ imports: [CacheModule.forRoot({ namespace: 'catalog' }), CacheEventsModule.forRoot({ caches: [prices] })] })
class CatalogModule {}

const app = await NestFactory.create(CatalogModule, { logger: ['error'] });
app.connectMicroservice(natsInvalidationOptions({ servers: [natsUrl] }), { inheritAppConfig: true });
await app.startAllMicroservices();
await app.init();
const cache = app.get(Strata).cache(prices);

const handlers = serveCalls({
  async price({ id, location }: { id: string; location: Location }) {
    const database = databases.get(location.at) ?? open(location);
    databases.set(location.at, database);
    return cache.getOrSet(id, async () => {
      const row = await database.selectFrom('prices').select('cents').where('id', '=', id).executeTakeFirstOrThrow();
      return row.cents;
    });
  },
  received: () => app.get(CacheEvents).stats().received,
});

export type CatalogHandlers = typeof handlers;
