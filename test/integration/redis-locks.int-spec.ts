import { afterAll, beforeAll } from '@jest/globals';
import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { locksContract } from '../contract/locks.contract.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

let server: RedisServer;

beforeAll(async () => {
  server = await new RedisServer({ unixSocket: true }).start();
});

afterAll(async () => stopAll());

locksContract(
  'redis locks',
  async () => {
    await server.cli('FLUSHALL');
    const strata = createStrata({ namespace: 'test:locks', l2: redis({ url: server.url }) });
    return {
      locks: strata.locks,
      advance: async (ms) => void (await delay(ms)),
      close: async () => strata.close(),
    };
  },
  { ttl: 250, canStall: false },
);
