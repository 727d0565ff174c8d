import { afterAll, describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type Strata } from '@strata-cache/core';
import { gate } from '@strata-cache/core/testing';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

afterAll(async () => stopAll());

const rows = defineCache<[id: string], number>({
  name: 'rows',
  version: 1,
  owner: 'lifecycle',
  key: (id) => id,
  ttl: '10m',
});
const engine = (url: string): Strata => createStrata({ namespace: 'life', l2: redis({ url }) });

describe('an engine with Redis as its second tier', () => {
  it('starts without Redis, answers, keeps what it could not send, and heals when Redis appears', async () => {
    const server = await new RedisServer().start();
    const elsewhere = engine(server.url);
    const seenElsewhere = elsewhere.cache(rows).with({ tiers: ['l2'] });
    await eventually(async () => {
      await elsewhere.cache(rows).set('row', 1);
      return (await seenElsewhere.get('row')) === 1;
    });
    await server.saveRdb();
    await server.stop();

    const strata = engine(server.url);
    const cache = strata.cache(rows);
    let loads = 0;
    const load = (): number => (loads += 1);
    expect(await Promise.all([cache.getOrSet('row', load), cache.getOrSet('row', load)])).toEqual([1, 1]);
    expect(await cache.delete('row')).toEqual({ acknowledged: false });
    expect(strata.stats().unsent).toBe(1);
    expect(await cache.getOrSet('row', load)).toBe(2);

    await server.start();
    await eventually(() => strata.stats().unsent === 0, { within: 10_000, what: 'the deletion is sent' });
    await eventually(
      async () => {
        await cache.set('shared', 7);
        return (await seenElsewhere.get('shared')) === 7;
      },
      { within: 10_000, what: 'both instances share again' },
    );
    await Promise.all([strata.close(), elsewhere.close()]);
  });

  it('closes after what it had begun: the load is stored, no lease and no connection is left', async () => {
    const server = await new RedisServer().start();
    const strata = engine(server.url);
    const cache = strata.cache(rows);
    await eventually(async () => {
      await cache.set('warm', 1);
      return (await cache.with({ tiers: ['l2'] }).get('warm')) === 1;
    });
    const slow = gate();
    const loading = cache.getOrSet('slow', async () => {
      await slow.pass();
      return 5;
    });
    await slow.arrived();
    const prefix = 'strata:{life.0}';
    expect(await server.cli('EXISTS', `${prefix}:l:rows:v1:slow`)).toBe(1);
    const closing = strata.close();
    slow.open();
    expect(await loading).toBe(5);
    await closing;
    expect(await server.cli('EXISTS', `${prefix}:e:rows:v1:slow`)).toBe(1);
    expect(await server.cli('EXISTS', `${prefix}:l:rows:v1:slow`)).toBe(0);
    await eventually(async () => !String(await server.cli('CLIENT', 'LIST')).includes('strata:life'));
  });
});
