import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createStrata, type Strata } from '@strata-cache/core';
import { aclLine, redis, type RedisTierOptions } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { LockNames } from '../../libs/redis/src/locks/lock-keys.js';
import { locksContract } from '../contract/locks.contract.js';
import { failsWith } from '../engine/fails-with.js';
import { eventually } from '../support/eventually.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisSentinel } from '../support/redis-sentinel.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

const NAMESPACE = 'test:locks';
const engine = (options: RedisTierOptions): Strata => createStrata({ namespace: NAMESPACE, l2: redis(options) });

const cluster = new RedisCluster({ nodeTimeout: 1_000 });
const sentinel = new RedisSentinel({ password: 'pw' });

// Both at once: each mostly waits for its nodes to hear of each other.
beforeAll(async () => {
  await Promise.all([cluster.start(), sentinel.start()]);
  const [, , ...rights] = aclLine('app', NAMESPACE, { cluster: true }).split(' ');
  await Promise.all(cluster.servers.map(async (node) => node.cli('ACL', 'SETUSER', 'app', '>s3cret', ...rights)));
});

afterAll(async () => stopAll());

describe('locks on a Cluster', () => {
  const options = (): RedisTierOptions => ({
    cluster: { nodes: cluster.endpoints },
    username: 'app',
    password: 's3cret',
  });

  locksContract(
    'cluster, with the published rights and no more',
    async () => {
      await Promise.all((await cluster.masters()).map(async ({ port }) => cluster.server(port).cli('FLUSHALL')));
      const strata = engine(options());
      return {
        locks: strata.locks,
        advance: async (ms) => void (await delay(ms)),
        close: async () => strata.close(),
      };
    },
    { ttl: 250, canStall: false },
  );

  /**
   * 1 A holds, B waits; 2 the lock is on the new node, its queue still on the old one; 3 A extends meanwhile, and is answered by neither; 4 the
   * slot is handed over, and A and B go on there.
   */
  it('a lock whose slot moves stays with its holder, and then goes to who has waited', async () => {
    const [a, b] = [engine(options()), engine(options())];
    const lease = await a.locks.acquire('moving', { ttl: '20s', renew: false });
    const waiting = b.locks.acquire('moving', { wait: '60s' });
    const [lock, queue] = new LockNames(NAMESPACE, 16, true).of('moving').all;
    const slot = await cluster.slotOf(lock);
    const source = await cluster.masterOf(slot);
    const [{ port }] = (await cluster.masters()).filter((master) => master.port !== source.port);
    const from = cluster.server(source.port);
    await eventually(async () => (await from.cli('ZCARD', queue)) === 1);
    await cluster.beginMove(slot, port);
    await from.cli('MIGRATE', '127.0.0.1', port, lock, 0, 5_000);
    const extended = lease.extend('30s').then(
      () => 'extended',
      (error: unknown) => String(error),
    );
    expect(await a.locks.tryAcquire('moving').catch(() => null)).toBeNull();
    await cluster.endMove(slot, port);
    expect(await extended).toMatch(/^extended|did not confirm/);
    await eventually(async () => lease.extend('30s'), { within: 15_000 });
    expect(Number(await cluster.server(port).cli('PTTL', lock))).toBeGreaterThan(20_000);
    await lease.release();
    const next = await waiting;
    expect(next.token > lease.token).toBe(true);
    await next.release();
    await Promise.all([a.close(), b.close()]);
  }, 60_000);

  it('spread over the masters; kill -9 of one: waiters go on behind the replica that takes over, tokens rise', async () => {
    const [a, b] = [engine(options()), engine(options())];
    const names = Array.from({ length: 24 }, (_, index) => `lock ${index}`);
    const before = await Promise.all(names.map(async (name) => a.locks.acquire(name, { ttl: '2s', renew: false })));
    for (const { port } of await cluster.masters()) {
      expect(await cluster.server(port).cli('DBSIZE')).toBeGreaterThan(3);
    }
    const waiting = names.map(async (name) => b.locks.acquire(name, { wait: '30s' }));
    await eventually(() => b.locks.stats().waiting === names.length);
    await cluster.killMaster(0);
    const after = await Promise.all(waiting);
    expect(after.filter(({ token }, index) => token <= before[index].token)).toEqual([]);
    // Nobody was granted a lock that was still held: every lease before had ended by then.
    expect(before.filter(({ signal }) => !signal.aborted)).toEqual([]);
    await Promise.all(after.map(async (lease) => lease.release()));
    await Promise.all([a.close(), b.close()]);
  }, 60_000);
});

describe('locks behind Sentinel', () => {
  const options = (): RedisTierOptions => ({ sentinels: sentinel.sentinels, name: sentinel.name, password: 'pw' });

  locksContract(
    'sentinel',
    async () => {
      await (await sentinel.master()).cli('FLUSHALL');
      const strata = engine(options());
      return {
        locks: strata.locks,
        advance: async (ms) => void (await delay(ms)),
        close: async () => strata.close(),
      };
    },
    { ttl: 250, canStall: false },
  );

  it('a failover: the lock goes on, and the token rises', async () => {
    const [a, b] = [engine(options()), engine(options())];
    const lease = await a.locks.acquire('k', { ttl: '20s' });
    const waiting = b.locks.acquire('k', { wait: '60s' });
    await eventually(() => b.locks.stats().waiting === 1);
    const [, replica] = sentinel.servers;
    await eventually(async () => (await replica.cli('DBSIZE')) !== 0);
    await sentinel.failover();
    await eventually(async () => lease.extend('30s'), { within: 20_000 });
    lease.assertHeld();
    await lease.release();
    const next = await waiting;
    expect(next.token > lease.token).toBe(true);
    await next.release();
    await Promise.all([a.close(), b.close()]);
  }, 60_000);
});

describe('lockDurability', () => {
  it('a grant that too few replicas have is given back and is an error; with the replica it is granted', async () => {
    const master = await new RedisServer().start();
    const durable = engine({ url: master.url, lockDurability: { replicas: 1, timeout: '100ms' } });
    const plain = engine({ url: master.url });
    await failsWith(durable.locks.acquire('k', { wait: '10s' }), /only 0 of 1 replicas/);
    const free = await eventually(async () => (await plain.locks.tryAcquire('k')) ?? false);
    await free.release();
    await new RedisServer({ replicaOf: master }).start();
    await master.waitForReplicas(1);
    // As long as a busy machine may take.
    const patient = engine({
      url: master.url,
      commandTimeout: '20s',
      lockDurability: { replicas: 1, timeout: '10s' },
    });
    await patient.locks.withLock('k', (lease) => lease.assertHeld());
    await Promise.all([durable.close(), patient.close(), plain.close()]);
  });

  it.each<[object, RegExp]>([
    [{ replicas: 0, timeout: '100ms' }, /lockDurability.replicas: expected a whole number/],
    [{ replicas: 1, timeout: 0 }, /lockDurability.timeout/],
    [{ replicas: 1, timeout: '500ms' }, /below commandTimeout \(500 ms\)/],
    [{ replicas: 1, timeout: '100ms', quorum: 2 }, /unknown option "quorum"/],
  ])('refuses %j', (lockDurability, message) => {
    expect(() => redis({ url: 'redis://localhost', lockDurability: lockDurability as never })).toThrow(message);
  });
});
