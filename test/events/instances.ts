import 'reflect-metadata';
import { Module, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CacheModule,
  defineCache,
  Strata,
  type Cache,
  type CacheDefinition,
  type CacheModuleOptions,
  type Notice,
} from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule, type CacheEventsOptions } from '@strata-cache/nestjs/microservices';
import { soon } from './soon.js';

export interface Moved {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export const productCache = defineCache<[id: string], string>({
  name: 'product',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '1h',
  invalidatedBy: {
    'price.changed': ({ id }: { readonly id: string }) => ({ keys: [id], tags: [`prices:${id}`] }),
    'product.moved': ({ id, from, to }: Moved) => ({ keys: [id], tags: [`category:${from}`, `category:${to}`] }),
  },
});

export const listCache = defineCache<[category: string], string>({
  name: 'list',
  version: 1,
  owner: 'Catalog',
  key: (category) => category,
  ttl: '1h',
  tags: (_list, category) => [`category:${category}`],
});

/** One instance of a service in this process: an application with a listener, and what a test asks of it. */
export interface Instance {
  readonly app: INestApplication;
  readonly events: CacheEvents;
  readonly products: Cache<[id: string], string>;
  readonly lists: Cache<[category: string], string>;
  readonly notices: Notice[];
  /** Into memory, so that `peek` shows it. */
  fill(...ids: readonly string[]): Promise<void>;
}

interface InstanceOptions {
  readonly listener?: MicroserviceOptions;
  readonly events?: CacheEventsOptions;
  readonly cache?: CacheModuleOptions;
  readonly controllers?: Type[];
  readonly caches?: readonly CacheDefinition<any, any>[];
}

const started: INestApplication[] = [];

/** Ends them; call it in `afterEach`. */
export async function endInstances(): Promise<void> {
  await Promise.all(started.splice(0).map((app) => app.close()));
}

export async function startInstance({
  listener,
  events = {},
  cache = {},
  controllers = [],
  caches = [productCache],
}: InstanceOptions): Promise<Instance> {
  const notices: Notice[] = [];
  const imports: DynamicModule[] = [
    CacheModule.forRoot({
      namespace: 'instances',
      observer: { notice: (notice) => void notices.push(notice) },
      ...cache,
    }),
    CacheEventsModule.forRoot({ caches, retry: { attempts: 3, delay: '5ms' }, ...events }),
  ];
  @Module({ imports, controllers })
  class InstanceModule {}
  const app = await NestFactory.create(InstanceModule, { logger: false });
  started.push(app);
  if (listener !== undefined) app.connectMicroservice(listener);
  await app.startAllMicroservices();
  await app.init();
  const strata = app.get(Strata);
  const products = strata.cache(productCache);
  return {
    app,
    events: app.get(CacheEvents),
    products,
    lists: strata.cache(listCache),
    notices,
    async fill(...ids) {
      for (const id of ids) {
        await soon(async () => (await products.getOrSet(id, () => 'old')) === products.peek(id));
      }
    },
  };
}
