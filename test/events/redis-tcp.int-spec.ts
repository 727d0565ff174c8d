import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Transport, type ClientOptions } from '@nestjs/microservices';
import { defineCache } from '@strata-cache/nestjs';
import { deadLetterStream, redisInvalidationOptions } from '@strata-cache/nestjs/microservices';
import { redis } from '@strata-cache/redis';
import { Redis } from 'ioredis';
import { freePort } from '../support/free-port.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { endInstances, startInstance } from './instances.js';
import { soon } from './soon.js';

let server: RedisServer;
let client: Redis | undefined;
beforeAll(async () => {
  server = await new RedisServer().start();
});
afterEach(async () => {
  await endInstances();
  client?.disconnect();
  client = undefined;
});
afterAll(stopAll);

describe('a Redis stream', () => {
  it('keeps events that cannot be applied', async () => {
    const { port } = server;
    client = new Redis({ host: '127.0.0.1', port });
    const broken = defineCache<[], string>({
      name: 'broken',
      version: 1,
      owner: 'Test',
      ttl: '1h',
      invalidatedBy: {
        'price.changed': () => {
          throw new Error('a mapper with a mistake');
        },
      },
    });
    const one = await startInstance({
      listener: redisInvalidationOptions({ host: '127.0.0.1', port }),
      caches: [broken],
      events: { onFailure: deadLetterStream(client, 'dead') },
    });
    const emitter = await startInstance({
      caches: [],
      events: { client: { transport: Transport.REDIS, options: { host: '127.0.0.1', port } } },
    });
    await soon(
      async () => {
        await emitter.events.emit('price.changed', { id: '42' });
        return one.events.stats().failed > 0;
      },
      { every: 50 },
    );
    const [[, fields]] = await client.xrange('dead', '-', '+');
    expect(fields.slice(0, 4)).toEqual(['reason', 'failed', 'error', 'Error: a mapper with a mistake']);
    expect(JSON.parse(fields[5])).toMatchObject({ type: 'price.changed', payload: { id: '42' }, source: 'instances' });
  });
});

describe('over TCP', () => {
  const tcp = (port: number): ClientOptions => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });

  it('an event is accepted once it was applied, and waits while the peer is away', async () => {
    const port = await freePort();
    const emitter = await startInstance({ caches: [], events: { client: tcp(port), emitTimeout: '500ms' } });
    expect(await emitter.events.emit('price.changed', { id: '1' })).toBe('queued');
    const cache = { l2: redis({ url: server.url }) };
    const one = await startInstance({ listener: tcp(port) as never, cache });
    await soon(() => one.events.stats().applied === 1);
    await soon(() => emitter.events.stats().waiting === 0);
    expect(await emitter.events.emit('price.changed', { id: '1' })).toBe('accepted');
    expect(one.events.stats().applied).toBe(2);
  });

  it('an event that nobody there has a handler for is accepted: it concerns no cache of that service', async () => {
    const port = await freePort();
    await startInstance({ listener: tcp(port) as never });
    const emitter = await startInstance({ caches: [], events: { client: tcp(port) } });
    expect(await emitter.events.emit('order.placed', { id: '1' })).toBe('accepted');
  });

  it('is kept by the emitter while the second tier of the peer is away', async () => {
    const port = await freePort();
    const tier = await new RedisServer().start();
    const one = await startInstance({ listener: tcp(port) as never, cache: { l2: redis({ url: tier.url }) } });
    const emitter = await startInstance({ caches: [], events: { client: tcp(port), emitTimeout: '2s' } });
    await soon(async () => (await emitter.events.emit('price.changed', { id: '1' })) === 'accepted', {
      every: 50,
    });
    const { applied } = one.events.stats();
    await tier.kill9();
    expect(await emitter.events.emit('price.changed', { id: '2' })).toBe('queued');
    expect(one.events.stats()).toMatchObject({ applied });
    await tier.start();
    await soon(() => emitter.events.stats().waiting === 0);
    expect(one.events.stats().applied).toBeGreaterThan(applied);
  }, 60_000);
});
