import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { type Cache, createStrata, defineCache, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { Seeded } from '../support/seeded.js';

const documents = defineCache<[id: string], { text: string }>({
  name: 'documents',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '10m',
  tags: ['documents'],
});

const HEADER = 56;
const FUZZED = 2_000;

describe('foreign bytes in Redis', () => {
  let server: RedisServer;
  let client: Redis;
  let strata: Strata;
  let cache: Cache<[id: string], { text: string }>;
  let genuine: Buffer;

  const physical = (id: string): string => `strata:{poison.0}:e:documents:v1:${id}`;

  beforeAll(async () => {
    server = await new RedisServer().start();
    client = new Redis(server.url);
    strata = createStrata({ namespace: 'poison', l2: redis({ url: server.url }), consistency: 'coherent' });
    cache = strata.cache(documents);
    await eventually(async () => {
      await cache.set('genuine', { text: 'x'.repeat(50) });
      genuine = (await client.getBuffer(physical('genuine'))) ?? Buffer.alloc(0);
      return genuine.length > HEADER;
    });
  });

  afterAll(async () => {
    await strata.close();
    client.disconnect();
    await stopAll();
  });

  /** Reads must get what the loader says, and the poison must be gone afterwards. */
  const expectMiss = async (id: string): Promise<void> => {
    expect(await cache.getOrSet(id, () => ({ text: `loaded ${id}` }))).toEqual({ text: `loaded ${id}` });
    await eventually(async () => (await cache.getOrSet(id, () => ({ text: 'again' }))).text === `loaded ${id}`);
  };

  /** A genuine entry with other bytes behind its header. */
  const withPayload = (payload: Buffer, format?: number): Buffer => {
    const tagBytes = genuine.readUInt16LE(52);
    const bytes = Buffer.concat([genuine.subarray(0, HEADER + tagBytes), payload]);
    if (format !== undefined) bytes[18] = format;
    return bytes;
  };

  const patched = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(genuine);
    bytes[at] = value;
    return bytes;
  };

  it.each<[string, () => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['random bytes', () => new Seeded(1).bytes(300)],
    ['a header cut off', () => genuine.subarray(0, 40)],
    ['a payload cut off', () => genuine.subarray(0, genuine.length - 5)],
    ['another version of the entry', () => patched(17, 9)],
    ['more tag bytes than there are', () => patched(53, 0xff)],
    ['another schema', () => patched(54, 77)],
    ['text that is not JSON', () => withPayload(Buffer.from('{"text":'))],
    ['deeply nested JSON', () => withPayload(Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)))],
    ['a compression bomb', () => withPayload(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 0xff)],
    ['an unknown format', () => withPayload(Buffer.from('{}'), 0x7f)],
  ])('%s is a miss', async (name, poison) => {
    const id = name.replaceAll(' ', '-');
    await client.set(physical(id), poison());
    await expectMiss(id);
  });

  it('a key of another type is a miss', async () => {
    await client.rpush(physical('list'), 'a', 'b');
    await expectMiss('list');
  });

  it('counts what it could not read', async () => {
    const { l2Errors } = cache.stats();
    await client.set(physical('counted'), withPayload(Buffer.from('{"text":')));
    await expectMiss('counted');
    expect(cache.stats().l2Errors).toBe(l2Errors + 1);
  });

  it('__proto__ in a payload pollutes nothing', async () => {
    const payload = '{"text":"x","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    await client.set(physical('proto'), withPayload(Buffer.from(payload)));
    const value = await cache.getOrSet('proto', () => ({ text: 'loaded' }));
    expect(value.text).toMatch(/^(x|loaded)$/);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect((value as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('a foreign head, or a state of another type, heals', async () => {
    await client.set('strata:{poison.0}:hd', 'foreign');
    await expectMiss('after-head');
    await client.del('strata:{poison.0}:st');
    await client.set('strata:{poison.0}:st', 'foreign');
    await expectMiss('after-state');
  });

  it('mutated entries never fail a read, and never give another shape', async () => {
    const random = new Seeded(99);
    for (let from = 0; from < FUZZED; from += 100) {
      const ids = Array.from({ length: 100 }, (_, index) => `fuzz${from + index}`);
      await Promise.all(
        ids.map(async (id) => {
          const bytes = Buffer.from(genuine);
          for (let flips = random.int(1, 6); flips > 0; flips -= 1)
            bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
          await client.set(
            physical(id),
            bytes.subarray(0, random.chance(0.2) ? random.int(0, bytes.length) : bytes.length),
          );
        }),
      );
      const values = await Promise.all(ids.map(async (id) => cache.getOrSet(id, () => ({ text: 'loaded' }))));
      expect(values.every((value) => typeof value === 'object' && value !== null)).toBe(true);
    }
  });
});
