import 'reflect-metadata';
import { nestTransport, RAW } from '../contenders/transports.mjs';
import { strataModule } from '../contenders/strata.mjs';
import { Departures, now, watchedTier } from '../harness/gone.mjs';

/** One instance that holds entries and hears events, or the one that emits; or the bare clients in their place. */
export async function prepare({ contender, transport, port, instance, emits }) {
  return contender === 'strata' ? strata(transport, port, instance, emits) : raw(transport, port, emits);
}

async function raw(transport, port, emits) {
  const client = await RAW[transport](port, 'bench-raw');
  const departures = new Departures();
  if (!emits) {
    await client.subscribe((text) => departures.went(JSON.parse(text).id));
  }
  return {
    hold: async (key) => departures.hold(key),
    gone: () => departures.gone(),
    send: async (id) => {
      const at = now();
      await client.publish(JSON.stringify({ id }));
      return at;
    },
  };
}

async function strata(transport, port, instance, emits) {
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { CacheModule, defineCache, Strata } = await strataModule('nestjs');
  const { CacheEvents, CacheEventsModule } = await strataModule('nestjs', 'microservices/index.js');
  const { emitter, listener } = await nestTransport(transport, port, instance);
  class App {}
  if (emits) {
    Module({ imports: [CacheEventsModule.forRoot({ client: emitter, source: 'bench' })] })(App);
    const events = (await NestFactory.createApplicationContext(App, { logger: ['error'] })).get(CacheEvents);
    return {
      send: async (id) => {
        const at = now();
        await events.emit('product.changed', { id });
        return at;
      },
    };
  }
  const definition = defineCache({
    name: 'product',
    version: 1,
    owner: 'bench',
    key: (id) => id,
    ttl: '1h',
    invalidatedBy: { 'product.changed': ({ id }) => ({ keys: [id] }) },
  });
  const { memoryTier } = await strataModule('core');
  const departures = new Departures();
  const l1 = watchedTier(memoryTier, {}, (key) => departures.went(key));
  const imports = [
    CacheModule.forRoot({ namespace: 'bench', lint: 'off', l1 }),
    CacheEventsModule.forRoot({ caches: [definition], onReconnect: 'keep' }),
  ];
  Module({ imports })(App);
  const app = await NestFactory.create(App, { logger: ['error'] });
  app.connectMicroservice(listener, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.init();
  const cache = app.get(Strata).cache(definition);
  return {
    async hold(key) {
      await cache.getOrSet(key, async () => ({ id: key }));
      if (cache.peek(key)?.id !== key) throw new Error(`${key} is not in L1`);
      departures.hold(key);
    },
    gone: () => departures.gone(),
  };
}
