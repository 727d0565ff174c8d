import { afterAll, beforeAll } from '@jest/globals';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { sharedTierContract, type MakeEnvironment } from '../contract/shared-tier.contract.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

let server: RedisServer;

beforeAll(async () => {
  server = await new RedisServer({ unixSocket: true }).start();
});

afterAll(async () => stopAll());

const environment =
  (shards: number): MakeEnvironment =>
  async () => {
    await server.cli('FLUSHALL');
    return {
      create: (context) => redis({ url: server.url, shards }).create(context),
      advance: async (ms) => void (await delay(ms)),
      loseState: async () => {
        const states = (await server.cli('KEYS', 'strata:*:st')) as string[];
        await server.cli('DEL', ...states.map(String));
      },
      close: async () => undefined,
    };
  };

sharedTierContract('redis, one shard', environment(1));
sharedTierContract('redis, five shards', environment(5));
