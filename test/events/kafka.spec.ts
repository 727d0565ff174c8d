import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { ServerKafka } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { CacheModule, defineCache, Strata, type Cache } from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule, kafkaInvalidationOptions } from '@strata-cache/nestjs/microservices';
import { ChaosTier, sharedMemory } from '@strata-cache/nestjs/testing';
import { soon } from './soon.js';

/**
 * At the level of handlers: Nest's own server class is given what kafkajs would hand it, and what its handler returns or throws decides
 * about the offset. There is no broker here.
 */
class QuietKafka extends ServerKafka {
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    callback();
  }
}

let throwing = 0;
const itemCache = defineCache<[id: string], string>({
  name: 'item',
  version: 1,
  owner: 'Test',
  ttl: '1h',
  key: (id) => id,
  invalidatedBy: {
    'item.changed': ({ id }: { id: string }) => {
      if (throwing-- > 0) throw new Error('not now');
      return { keys: [id] };
    },
  },
});

let app: INestApplication;
let server: QuietKafka;
let tier: ChaosTier;
let cache: Cache<[id: string], string>;
let heartbeats = 0;
const failed: unknown[] = [];
afterEach(async () => app.close());

async function start(): Promise<CacheEvents> {
  tier = new ChaosTier(sharedMemory());
  failed.length = 0;
  throwing = 0;
  heartbeats = 0;
  @Module({
    imports: [
      CacheModule.forRoot({ namespace: 'kafka', l2: tier }),
      CacheEventsModule.forRoot({
        caches: [itemCache],
        retry: { attempts: 3, delay: '1ms' },
        onFailure: ({ envelope }) => void failed.push(envelope.payload),
      }),
    ],
  })
  class AppModule {}
  app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication({ logger: false });
  const { options } = kafkaInvalidationOptions({ service: 'catalog', client: { brokers: ['127.0.0.1:1'] } });
  server = new QuietKafka(options);
  app.connectMicroservice({ strategy: server });
  await app.startAllMicroservices();
  await app.init();
  cache = app.get(Strata).cache(itemCache);
  await fill();
  return app.get(CacheEvents);
}

/** Into memory, which takes a first proof of the bus. */
async function fill(): Promise<void> {
  await soon(async () => (await cache.getOrSet('42', () => 'old')) === cache.peek('42'));
}

/** One message as kafkajs hands it to `eachMessage`; resolving lets it commit the offset, rejecting makes it deliver again. */
async function eachMessage(value: unknown): Promise<void> {
  await server.handleMessage({
    topic: 'item.changed',
    partition: 0,
    message: {
      key: null,
      value: Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
      timestamp: '0',
      attributes: 0,
      offset: '0',
      headers: {},
    },
    heartbeat: async () => void heartbeats++,
    pause: () => () => undefined,
  } as never);
}

const envelope = (id: unknown): object => ({
  v: 1,
  id: 'e',
  type: 'item.changed',
  payload: { id },
  occurredAt: '',
  source: '',
});

describe('a Kafka handler', () => {
  it('resolves once the invalidation is acknowledged, for envelopes and plain data', async () => {
    const events = await start();
    await eachMessage(envelope('42'));
    expect(cache.peek('42')).toBeUndefined();
    await fill();
    await eachMessage({ id: '42' });
    expect(cache.peek('42')).toBeUndefined();
    expect(events.stats()).toMatchObject({ received: 2, applied: 2 });
  });

  it('does not resolve while the second tier is away, and sends heartbeats so that its group keeps it', async () => {
    const events = await start();
    tier.down();
    let isDone = false;
    const done = eachMessage(envelope('42')).then(() => (isDone = true));
    await soon(() => heartbeats >= 3);
    expect([isDone, events.stats().applied]).toEqual([false, 0]);
    tier.up();
    await done;
    expect(events.stats().applied).toBe(1);
  });

  it('rejects when the application closes meanwhile: the offset stays', async () => {
    await start();
    tier.down();
    const rejected = eachMessage(envelope('42')).catch((error: unknown) => error);
    await soon(() => heartbeats >= 1);
    await app.close();
    expect(await rejected).toMatchObject({ status: 'error' });
    tier.up();
  });

  it('tries again when a mapper throws, gives up after the last attempt, and never blocks the partition', async () => {
    const events = await start();
    throwing = 1;
    await eachMessage(envelope('42'));
    throwing = 99;
    await eachMessage(envelope('43'));
    throwing = 0;
    await eachMessage(Buffer.from('{ not json'));
    await eachMessage(envelope({ evil: true }));
    await eachMessage({ v: 1, id: 'e', type: 'other', payload: {}, occurredAt: '', source: '' });
    expect(failed).toEqual([{ id: '43' }]);
    expect(events.stats()).toMatchObject({ received: 5, retried: 3, applied: 1, failed: 1, malformed: 3 });
  });
});
