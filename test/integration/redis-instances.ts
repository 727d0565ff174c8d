import { afterEach, expect } from '@jest/globals';
import type { L2Context } from '@strata-cache/core';
import { redis, type RedisTierOptions } from '@strata-cache/redis';
import { Instance, type SharedTierEnvironment } from '../contract/shared-tier.harness.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll, type RedisServerOptions } from '../support/redis-server.js';

/** The physical prefix of the one shard that instances of the harness share. */
export const PREFIX = 'strata:{test:contract.0}';
const open: Instance[] = [];

/** Closes the instances and servers of each test of the calling file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((instance) => instance.close()));
    await stopAll();
  });
}

export function connect(options: RedisTierOptions, context: Partial<L2Context> = {}): Instance {
  const environment = { create: (full: L2Context) => redis(options).create(full) } as SharedTierEnvironment;
  const instance = new Instance(environment, context);
  open.push(instance);
  return instance;
}

export async function server(options: RedisServerOptions = {}): Promise<RedisServer> {
  return new RedisServer(options).start();
}

/** Reads as fast as it can until the tier answers `last` again; whatever it sees on the way must be `last` as well. */
export async function readThroughout(instance: Instance, key: string, last: string | undefined): Promise<void> {
  const seen = new Set<string | undefined>();
  await eventually(
    async () => {
      const { read, error } = await instance.outcome(key);
      if (read === undefined) throw error;
      seen.add(read.status === 'found' ? `${read.text}${read.record.stale ? ' (stale)' : ''}` : undefined);
    },
    { within: 15_000, every: 0, what: 'the tier answers again' },
  );
  expect([...seen]).toEqual([last]);
}
