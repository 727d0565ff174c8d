import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { eventually } from './eventually.js';
import { RedisCluster } from './redis-cluster.js';
import { stopAll } from './redis-server.js';

describe('RedisCluster', () => {
  const cluster = new RedisCluster();
  let client: Cluster;

  beforeAll(async () => {
    await cluster.start();
    client = new Cluster(cluster.endpoints, { redisOptions: { maxRetriesPerRequest: 2 } });
    client.on('error', () => undefined);
  }, 60_000);

  afterAll(async () => {
    client?.disconnect();
    await stopAll();
  });

  it('has three masters with all slots, and a replica of each', async () => {
    const nodes = await cluster.nodes();
    const masters = await cluster.masters();
    expect(masters).toHaveLength(3);
    expect(masters[0].slots[0][0]).toBe(0);
    expect(masters[2].slots.at(-1)?.[1]).toBe(16_383);
    const followed = nodes.filter(({ role }) => role === 'replica').map(({ masterId }) => masterId);
    expect(new Set(followed)).toEqual(new Set(masters.map(({ id }) => id)));
    expect(followed).toHaveLength(3);
  });

  it('moves one slot step by step, with its keys, under a client', async () => {
    const keys = ['{moved}a', '{moved}b'];
    for (const key of keys) await client.set(key, key);
    const slot = await cluster.slotOf('moved');
    const source = await cluster.masterOf(slot);
    const target = (await cluster.masters()).find(({ port }) => port !== source.port);
    const to = target?.port ?? 0;
    await cluster.beginMove(slot, to);
    expect(await cluster.moveKeys(slot, to, 1)).toBe(1);
    expect([await client.get(keys[0]), await client.get(keys[1])]).toEqual(keys);
    await cluster.endMove(slot, to);
    await cluster.waitOk();
    expect((await cluster.masterOf(slot)).port).toBe(to);
    await expect(cluster.server(source.port).cli('GET', keys[0])).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to}`);
    expect([await client.get(keys[0]), await client.get(keys[1])]).toEqual(keys);
  });

  it('reshards slots between two masters', async () => {
    const size = async (index: number): Promise<number> =>
      (await cluster.masters())[index].slots.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    const before = await size(2);
    await cluster.reshard(1, 2, 20);
    // The order of masters follows their first slot, which the moved slots may change: sizes are what can be compared.
    const after = await Promise.all([size(0), size(1), size(2)]);
    expect(after).toContain(before + 20);
    expect(after.reduce((sum, slots) => sum + slots, 0)).toBe(16_384);
  });

  it('fails over when a master is killed, and takes it back as a replica', async () => {
    await client.set('{killed}k', 'v');
    const owner = await cluster.masterOf(await cluster.slotOf('killed'));
    const index = (await cluster.masters()).findIndex(({ port }) => port === owner.port);
    // One replica acknowledged: otherwise losing the write would be Redis' right.
    expect(await cluster.server(owner.port).cli('WAIT', 1, 5_000)).toBe(1);
    const killed = await cluster.killMaster(index);
    expect(killed.port).toBe(owner.port);
    await cluster.waitOk();
    expect((await cluster.masterOf(await cluster.slotOf('killed'))).port).not.toBe(killed.port);
    expect(await eventually(async () => client.get('{killed}k'), { within: 10_000 })).toBe('v');
    await killed.restart();
    await eventually(
      async () =>
        (await cluster.nodes()).some(({ port, role, alive }) => port === killed.port && role === 'replica' && alive),
      { within: 15_000 },
    );
  });
});
