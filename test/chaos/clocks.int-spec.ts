import { afterAll, describe, expect, it } from '@jest/globals';
import { type Cache, type Clock, createStrata, defineCache, type Strata, systemClock } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

const MINUTE = 60_000;

const prices = defineCache<[id: string], number>({
  name: 'prices',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '1m',
  tags: ['prices'],
});

const shortLived = defineCache<[id: string], number>({
  name: 'short-lived',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '1s',
  jitter: 0,
});

/** A machine whose wall clock is wrong, and stays so. */
const skewed = (ms: number): Clock => ({ ...systemClock, wall: () => Date.now() + ms });

const engine = (url: string, clock: Clock = systemClock): Strata =>
  createStrata({ namespace: 'clocks', l2: redis({ url }), clock, maxStaleness: 600, heartbeat: 250 });

/** Whether what one stores is found by the other in Redis. */
let tries = 0;
const shares = async (one: Cache<[id: string], number>, other: Cache<[id: string], number>): Promise<boolean> => {
  tries += 1;
  await one.set(`try${tries}`, tries);
  return (await other.with({ tiers: ['l2'] }).get(`try${tries}`)) === tries;
};

describe('clocks', () => {
  afterAll(async () => stopAll());

  it('instances 15 minutes apart share entries, ages and invalidations', async () => {
    const server = await new RedisServer().start();
    const [fast, slow] = [engine(server.url, skewed(15 * MINUTE)), engine(server.url, skewed(-15 * MINUTE))];
    const [ofFast, ofSlow] = [fast.cache(prices), slow.cache(prices)];
    await eventually(async () => (await shares(ofFast, ofSlow)) && shares(ofSlow, ofFast));

    for (const [writer, reader, strata] of [
      [ofFast, ofSlow, fast],
      [ofSlow, ofFast, slow],
    ] as const) {
      await writer.set('tea', 1);
      expect(await reader.with({ tiers: ['l2'] }).get('tea')).toBe(1);
      expect(await strata.invalidateTags(['prices'])).toEqual({ acknowledged: true });
      expect(await reader.with({ tiers: ['l2'] }).get('tea')).toBeUndefined();
      await reader.set('tea', 2);
      expect(await writer.with({ tiers: ['l2'] }).get('tea')).toBe(2);
    }
    const [aged, seen] = [fast.cache(shortLived), slow.cache(shortLived).with({ tiers: ['l2'] })];
    await aged.set('milk', 1);
    expect(await seen.get('milk')).toBe(1);
    await eventually(async () => (await seen.get('milk')) === undefined, { within: 3_000, what: 'it has aged' });
    await Promise.all([fast.close(), slow.close()]);
  });

  it('the clock of Redis stepping ten minutes back, and forth again, brings nothing back and blocks nothing', async () => {
    const server = await new RedisServer({ faketime: '+0' }).start();
    const [a, b] = [engine(server.url), engine(server.url)];
    const [ofA, ofB] = [a.cache(prices), b.cache(prices)];
    const fromRedis = ofB.with({ tiers: ['l2'] });
    await eventually(async () => (await shares(ofA, ofB)) && shares(ofB, ofA));

    for (const step of ['-10m', '+0', '-10m']) {
      await ofA.set('old', 1);
      await ofA.set('tagged', 1);
      server.stepClock(step);
      expect(await ofA.delete('old')).toEqual({ acknowledged: true });
      expect(await a.invalidateTags(['prices'])).toEqual({ acknowledged: true });
      expect(await fromRedis.get('old')).toBeUndefined();
      expect(await fromRedis.get('tagged')).toBeUndefined();
      // A sample of the server's time is at most a second old.
      await delay(1_100);
      expect(await fromRedis.get('tagged')).toBeUndefined();
      await eventually(async () => (await shares(ofA, ofB)) && shares(ofB, ofA), {
        within: 2_000,
        what: `Redis is used after ${step}`,
      });
    }
    await Promise.all([a.close(), b.close()]);
  });
});
