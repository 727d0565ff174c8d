import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

const names = defineCache<[id: string], string>({
  name: 'name',
  version: 1,
  owner: 'Test',
  key: (id) => id,
  ttl: '1m',
  maxConcurrentLoads: 1,
});

/** Answers of one tick arrive in one reply: what follows must not run as whoever happened to be first in it. */
describe("a loader runs in its own caller's async context", () => {
  const user = new AsyncLocalStorage<string>();
  let server: RedisServer;
  let strata: Strata;

  beforeAll(async () => {
    server = await new RedisServer().start();
    strata = createStrata({ l2: redis({ url: server.url }) });
    const probe = strata.cache(names);
    await eventually(async () => (await probe.set('probe', 'x')).acknowledged, { what: 'the connection' });
  });
  afterAll(async () => {
    await strata.close();
    await stopAll();
  });

  it('also when the reads of several callers share a round trip, and their loads a queue', async () => {
    const cache = strata.cache(names);
    const ids = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const seen = await Promise.all(
      ids.map((id) => user.run(id, () => cache.getOrSet(id, async () => user.getStore() ?? 'nobody'))),
    );
    expect(seen).toEqual(ids);
  });

  it('also the one load of a batch', async () => {
    const cache = strata.cache(names);
    const batches = ['x', 'y', 'z'];
    const seen = await Promise.all(
      batches.map((name) =>
        user.run(name, () =>
          cache.getOrSetMany([`${name}1`, `${name}2`], async (_, missing) =>
            missing.map(([id]) => `${id}:${user.getStore() ?? 'nobody'}`),
          ),
        ),
      ),
    );
    expect(seen).toEqual(batches.map((name) => [`${name}1:${name}`, `${name}2:${name}`]));
  });
});
