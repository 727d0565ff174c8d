import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { L2Context, Notice } from '@strata-cache/core';
import { aclLine, redis, type RedisTierOptions } from '@strata-cache/redis';
import { Cluster, Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { sharedTierContract, type MakeEnvironment } from '../contract/shared-tier.contract.js';
import { Instance, record, type SharedTierEnvironment } from '../contract/shared-tier.harness.js';
import { eventually } from '../support/eventually.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisSentinel } from '../support/redis-sentinel.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

const NAMESPACE = 'test:contract';
const open: Instance[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((instance) => instance.close()));
});

afterAll(async () => stopAll());

function connect(options: RedisTierOptions, observer?: L2Context['observer']): Instance {
  const create = (context: L2Context) =>
    redis(options).create(observer === undefined ? context : { ...context, observer });
  const environment = { create } as SharedTierEnvironment;
  const instance = new Instance(environment);
  open.push(instance);
  return instance;
}

/** The same contract, whatever the way to the servers is. */
function environment(servers: () => readonly RedisServer[], options: () => RedisTierOptions): MakeEnvironment {
  return async () => {
    await Promise.all(servers().map((server) => server.cli('FLUSHALL')));
    return {
      create: (context) => redis(options()).create(context),
      advance: async (ms) => void (await delay(ms)),
      loseState: async () => {
        for (const server of servers()) {
          const states = (await server.cli('KEYS', 'strata:*:st')) as string[];
          for (const state of states) await server.cli('DEL', String(state));
        }
      },
      close: async () => undefined,
    };
  };
}

describe('password and ACL', () => {
  let server: RedisServer;
  const user = aclLine('app', NAMESPACE).replace(/^user app on/, 'app on >s3cret');

  beforeAll(async () => {
    server = await new RedisServer({ users: [user, 'default off'] }).start();
  });

  sharedTierContract(
    'a user with the published rights and no more',
    environment(
      () => [server],
      () => ({ url: `redis://127.0.0.1:${server.port}`, username: 'app', password: 's3cret' }),
    ),
  );

  it('that user can touch nothing outside its namespace, nor read keys at large', async () => {
    const client = new Redis({ port: server.port, username: 'app', password: 's3cret', enableReadyCheck: false });
    client.on('error', () => undefined);
    await expect(client.get('other')).rejects.toThrow(/NOPERM/);
    await expect(client.get(`strata:{${NAMESPACE}x.0}:e:k`)).rejects.toThrow(/NOPERM/);
    await expect(client.publish('other', 'x')).rejects.toThrow(/NOPERM/);
    await expect(client.keys('*')).rejects.toThrow(/NOPERM/);
    await expect(client.flushall()).rejects.toThrow(/NOPERM/);
    client.disconnect();
  });

  it('another namespace is refused, which is said and not thrown', async () => {
    const notices: string[] = [];
    const { tier, bus } = redis({
      url: `redis://127.0.0.1:${server.port}`,
      username: 'app',
      password: 's3cret',
    }).create({
      namespace: 'someone:else',
      clock: (await import('@strata-cache/core')).systemClock,
      observer: { notice: ({ message }) => notices.push(message) },
      maxStaleness: 1_000,
      onSuspect: () => undefined,
    });
    await eventually(() => notices.some((message) => message.includes('NOPERM')));
    await expect(tier.invalidateKeys(['k'], 'delete')).rejects.toThrow(/not attached/);
    await bus.close();
    await tier.close();
  });
});

describe('TLS', () => {
  it('connects with a trusted authority, and not without', async () => {
    const server = await new RedisServer({ tls: true, password: 'pw' }).start();
    const a = await connect({ url: server.url, tls: { ca: server.tls.ca } }).ready();
    await a.load('k', 'v');
    expect(await a.see('k')).toBe('v');
    const notices: string[] = [];
    const stranger = connect({ url: server.url }, { notice: ({ message }: Notice) => notices.push(message) });
    await eventually(() => expect(notices.join()).toMatch(/certificate/));
    expect((await stranger.outcome('k')).error).toBeDefined();
  });

  it('shows a client certificate where one is asked for', async () => {
    const server = await new RedisServer({ tls: 'mutual' }).start();
    const a = await connect({ url: server.url, tls: server.tls }).ready();
    await a.load('k', 'v');
    expect(await a.see('k')).toBe('v');
  });
});

describe('Sentinel', () => {
  it.each(['failover', 'switchover'] as const)(
    'follows a %s: nothing deleted comes back, and it works on',
    async (change) => {
      const sentinel = await new RedisSentinel({ password: 'pw' }).start();
      const { sentinels, name } = sentinel;
      const [a, b] = [
        await connect({ sentinels, name, password: 'pw' }).ready(),
        await connect({ sentinels, name, password: 'pw' }).ready(),
      ];
      await a.load('k', 'old');
      await a.load('other', 'old');
      const [, replica] = sentinel.servers;
      await eventually(async () => expect(await replica.cli('DBSIZE')).toBeGreaterThanOrEqual(4));
      const before = await a.bus.probe(0);
      const lease = await a.granted('filling');
      await a.tier.invalidateKeys(['k'], 'delete');
      await sentinel[change]();
      // After a switchover the old master still answers, until the sentinels have made it a replica.
      for (const instance of [a, b]) {
        const changed = async (): Promise<boolean> => (await instance.bus.probe(0)).incarnation !== before.incarnation;
        await eventually(changed, { within: 15_000 });
        const cold = async (): Promise<boolean> => (await instance.outcome('other')).read?.status === 'absent';
        await eventually(cold, { within: 15_000 });
      }
      expect(await a.see('k')).toBeUndefined();
      await expect(a.tier.fill('filling', lease, record('old'), false)).resolves.toBe(false);
      await a.load('k', 'new');
      expect(await b.see('k')).toBe('new');
      await sentinel.stop();
    },
  );
});

describe('Cluster', () => {
  let cluster: RedisCluster;
  const options = (): RedisTierOptions => ({ cluster: { nodes: cluster.endpoints } });
  const masters = async (): Promise<RedisServer[]> => (await cluster.masters()).map(({ port }) => cluster.server(port));
  const keys = Array.from({ length: 64 }, (_, index) => `k${index}`);

  beforeAll(async () => {
    cluster = await new RedisCluster({ nodeTimeout: 1_000 }).start();
  });

  afterAll(async () => cluster.stop());

  describe('undisturbed', () => {
    let nodes: RedisServer[];

    beforeAll(async () => {
      nodes = await masters();
    });

    sharedTierContract(
      'cluster, 16 shards',
      environment(() => nodes, options),
    );
  });

  it('spreads over the masters, and takes the addresses from a borrowed client', async () => {
    const borrowed = new Cluster(cluster.endpoints);
    const [a, b] = [
      await connect({ client: borrowed }).ready(),
      await connect({ cluster: { nodes: [cluster.endpoints[5]] } }).ready(),
    ];
    expect(a.tier.shards).toBe(16);
    await Promise.all(keys.map((key) => a.load(key, key)));
    expect(await Promise.all(keys.map((key) => b.see(key)))).toEqual(keys);
    for (const master of await masters()) expect(await master.cli('DBSIZE')).toBeGreaterThan(10);
    expect(await borrowed.set('x', 'y')).toBe('OK');
    borrowed.disconnect();
  });

  it('needs no more than the published rights of a cluster', async () => {
    const [, , ...rights] = aclLine('app', NAMESPACE, { cluster: true }).split(' ');
    await Promise.all(cluster.servers.map((node) => node.cli('ACL', 'SETUSER', 'app', '>s3cret', ...rights)));
    const a = await connect({ ...options(), username: 'app', password: 's3cret' }).ready();
    await Promise.all(keys.map((key) => a.load(key, 'v', { tags: ['t'] })));
    await a.tier.invalidateTags(['t'], 'delete');
    expect(await Promise.all(keys.map((key) => a.see(key)))).toEqual(keys.map(() => undefined));
    for (let shard = 0; shard < a.tier.shards; shard += 1) await a.bus.probe(shard);
    expect(a.messages).toHaveLength(a.tier.shards);
  });

  it('a slot that is being moved is unavailable, then cold; the other shards are not disturbed', async () => {
    const a = await connect(options()).ready();
    await Promise.all(keys.map((key) => a.load(key, 'old')));
    const moved = a.tier.shardOf('k0');
    const slot = await cluster.slotOf(`{${NAMESPACE}.${moved}}`);
    const from = await cluster.masterOf(slot);
    const to = (await cluster.masters()).find(({ port }) => port !== from.port);
    if (!to) throw new Error('no other master');
    const elsewhere = keys.filter((key) => a.tier.shardOf(key) !== moved);
    await cluster.beginMove(slot, to.port);
    await cluster.moveKeys(slot, to.port, 2);
    await expect(a.tier.invalidateKeys(['k0'], 'delete')).rejects.toThrow();
    expect(await Promise.all(elsewhere.map((key) => a.see(key)))).toEqual(elsewhere.map(() => 'old'));
    await cluster.endMove(slot, to.port);
    await a.ready();
    // Its state was written by another server: not trusted.
    expect(await a.see('k0')).toBeUndefined();
    await eventually(() => a.tier.invalidateKeys(['k0'], 'delete'));
    await a.load('k0', 'new');
    const before = a.messages.length;
    await a.tier.invalidateKeys(['k0'], 'delete');
    await a.bus.probe(moved);
    expect(a.messages.length).toBe(before + 1);
  });

  it('reshards many slots under load: whoever reads sees no deleted entry', async () => {
    const [a, b] = [await connect(options()).ready(), await connect(options()).ready()];
    const version = new Map<string, number>();
    let stop = false;
    let acknowledged = 0;
    let round = 0;
    const write = async (): Promise<void> => {
      while (!stop) {
        const key = keys[round++ % keys.length];
        const next = (version.get(key) ?? 0) + 1;
        version.set(key, next);
        try {
          await a.tier.invalidateKeys([key], 'delete');
          const lease = await a.granted(key);
          await a.tier.fill(key, lease, record(`${next}`), false);
          acknowledged += 1;
        } catch {
          version.set(key, next);
        }
        const { read } = await b.outcome(key);
        if (read?.status === 'found' && Number(read.text) < (version.get(key) ?? 0)) {
          // Allowed only if our delete was not acknowledged; it is repeated until it is.
          await eventually(() => a.tier.invalidateKeys([key], 'delete'), { within: 20_000 });
          expect(
            await b
              .outcome(key)
              .then((outcome) => (outcome.read?.status === 'found' ? Number(outcome.read.text) : next)),
          ).toBe(next);
        }
      }
    };
    const writing = write();
    try {
      await cluster.reshard(0, 1, 1_000);
      // Refused until every node has heard of the first one.
      await eventually(async () => cluster.reshard(1, 2, 1_000), { within: 30_000, every: 200 });
    } finally {
      stop = true;
      await writing;
    }
    expect(acknowledged).toBeGreaterThan(50);
    await a.ready();
    await b.ready();
  }, 60_000);

  it('kill -9 of a master: its shards come back cold on the replica, the rest is not disturbed', async () => {
    const [a, b] = [await connect(options()).ready(), await connect(options()).ready()];
    await a.tier.clear('delete');
    await Promise.all(keys.map((key) => a.load(key, 'old')));
    const victim = (await cluster.masters())[0];
    const owners = await Promise.all(
      keys.map(async (key) => cluster.masterOf(await cluster.slotOf(`{${NAMESPACE}.${a.tier.shardOf(key)}}`))),
    );
    const lost = keys.filter((_, index) => owners[index].port === victim.port);
    const kept = keys.filter((key) => !lost.includes(key));
    expect(lost.length).toBeGreaterThan(0);
    await cluster.killMaster(0);
    expect(await Promise.all(kept.map((key) => b.see(key)))).toEqual(kept.map(() => 'old'));
    await eventually(async () => expect((await a.outcome(lost[0])).error).toBeDefined());
    await a.ready();
    await b.ready();
    expect(await Promise.all(lost.map((key) => b.see(key)))).toEqual(lost.map(() => undefined));
    await Promise.all(lost.map((key) => a.load(key, 'new')));
    expect(await Promise.all(lost.map((key) => b.see(key)))).toEqual(lost.map(() => 'new'));
    const before = b.messages.length;
    await a.tier.invalidateKeys(lost, 'delete');
    await Promise.all([...new Set(lost.map((key) => b.tier.shardOf(key)))].map((shard) => b.bus.probe(shard)));
    expect(b.messages.length).toBeGreaterThan(before);
    expect(await Promise.all(lost.map((key) => b.see(key)))).toEqual(lost.map(() => undefined));
  }, 60_000);
});
