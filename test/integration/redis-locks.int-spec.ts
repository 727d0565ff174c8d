import { afterAll, beforeAll } from '@jest/globals';
import { createStrata } from '@strata-cache/core';
import { redis, type RedisTierOptions } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { locksContract, type LocksHarness } from '../contract/locks.contract.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

let server: RedisServer;

beforeAll(async () => {
  server = await new RedisServer({ unixSocket: true }).start();
});

afterAll(async () => stopAll());

const harness = (options: () => RedisTierOptions) => async (): Promise<LocksHarness> => {
  await server.cli('FLUSHALL');
  const strata = createStrata({ namespace: 'test:locks', l2: redis(options()) });
  return {
    locks: strata.locks,
    advance: async (ms) => void (await delay(ms)),
    close: async () => strata.close(),
  };
};

locksContract(
  'redis locks, one shard',
  harness(() => ({ url: server.url })),
  { ttl: 250, canStall: false },
);
locksContract(
  'redis locks, five shards',
  harness(() => ({ url: server.url, shards: 5 })),
  { ttl: 250, canStall: false },
);
