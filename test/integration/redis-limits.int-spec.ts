import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { record } from '../contract/shared-tier.harness.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { closeAfterEach, connect, PREFIX, server } from './redis-instances.js';

closeAfterEach();

describe('limits', () => {
  it('the watermark bounds the stamps kept, and never makes an entry valid', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url, maxTagStamps: 8 }).ready();
    await a.load('victim', 'v', { tags: ['first'] });
    await a.load('soft', 'v', { tags: ['second'], graceFor: 60_000 });
    await a.tier.invalidateTags(['first'], 'delete');
    await a.tier.invalidateTags(['second'], 'expire');
    for (let index = 0; index < 100; index += 1) {
      await a.tier.invalidateTags([`t${index}`], index % 2 === 0 ? 'delete' : 'expire');
      expect(await a.see('victim')).toBeUndefined();
      expect([undefined, 'v (stale)']).toContain(await a.see('soft'));
    }
    expect(Number(await redisServer.cli('ZCARD', `${PREFIX}:st`))).toBeLessThanOrEqual(8 + 13);
    await a.load('victim', 'new', { tags: ['first'] });
    expect(await a.see('victim')).toBe('new');
  });

  it('a load that lasts longer than stamps are kept is refused', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }, { maxStaleness: 50 }).ready();
    const lease = await a.granted('k', { ttl: 60_000 });
    await a.tier.invalidateTags(['t'], 'delete');
    // Younger than every stamp that is dropped: only its own age speaks against it.
    const younger = await a.granted('younger', { ttl: 60_000 });
    await delay(200);
    await a.tier.invalidateTags(['other'], 'delete');
    expect(await redisServer.cli('ZSCORE', `${PREFIX}:st`, 't:t')).toBeNull();
    expect(await a.tier.fill('k', lease, record('old', { tags: ['t'], freshFor: 100 }), false)).toBe(false);
    expect(await a.tier.fill('younger', younger, record('old', { freshFor: 100 }), false)).toBe(false);
    expect(await a.see('k')).toBeUndefined();
    expect(await a.see('younger')).toBeUndefined();
  });

  it('stamps are dropped once no entry can be older', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }, { maxStaleness: 50 }).ready();
    await a.load('k', 'v', { freshFor: 200, tags: ['t'] });
    await a.tier.invalidateTags(['t'], 'delete');
    await a.tier.invalidateTags(['x'], 'delete');
    expect(await redisServer.cli('ZSCORE', `${PREFIX}:st`, 't:t')).not.toBeNull();
    await delay(300);
    await a.tier.invalidateTags(['x'], 'delete');
    expect(await redisServer.cli('ZSCORE', `${PREFIX}:st`, 't:t')).toBeNull();
  });

  it('a hit is one command; a hit on an entry older than a tag stamp costs one more, in the same trip from the second read on', async () => {
    const redisServer = await server();
    const proxy = await new FaultProxy(redisServer.port).start();
    const a = await connect({ url: proxy.url }).ready();
    await Promise.all(['k', 'l'].map((key) => a.load(key, 'v', { tags: ['t'] })));
    await a.see('k');
    await redisServer.resetCommandCalls();
    await Promise.all(['k', 'l', 'absent'].map((key) => a.see(key)));
    expect(await redisServer.commandCalls()).toMatchObject({ mget: 1 });
    await a.tier.invalidateTags(['other'], 'delete');
    await a.see('k');
    await redisServer.resetCommandCalls();
    proxy.resetCounters();
    await a.see('k');
    expect(await redisServer.commandCalls()).toMatchObject({ mget: 1, zmscore: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
  });

  it('forged messages are told as not understood', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    const forged = ['', 'x', '2|1|1|["c","d"]', '1|1|1|{', '1|1|1|["k","d",1]', '1|1|1|["z","d"]', '1|-1|1|["c","d"]'];
    for (const text of forged) await redisServer.cli('PUBLISH', `${PREFIX}:bp`, text);
    await redisServer.cli('PUBLISH', `${PREFIX}:bp`, Buffer.from([0xff, 0xfe]));
    await redisServer.cli('PUBLISH', `${PREFIX}:wk`, Buffer.alloc(10_000));
    await a.bus.probe(0);
    expect(a.messages).toHaveLength(forged.length + 1);
    expect(a.messages.every(({ event }) => event === undefined)).toBe(true);
  });
});

describe("the server's clock", () => {
  it('may step back or ahead: what was invalidated stays so, what is stored afterwards is served', async () => {
    const redisServer = await server({ faketime: '+0' });
    const a = await connect({ url: redisServer.url }).ready();
    for (const offset of ['-10m', '+20m', '-5m', '+0']) {
      await a.load('k', 'old', { tags: ['t'], freshFor: 86_400_000 });
      await a.load('gone', 'old', { freshFor: 86_400_000 });
      const lease = await a.granted('l');
      redisServer.stepClock(offset);
      await a.tier.invalidateTags(['t'], 'delete');
      await a.tier.invalidateKeys(['gone', 'l'], 'delete');
      expect(await a.tier.fill('l', lease, record('old'), false)).toBe(false);
      expect(await Promise.all(['k', 'gone', 'l'].map((key) => a.see(key)))).toEqual([undefined, undefined, undefined]);
      await a.load('k', 'new', { tags: ['t'], freshFor: 86_400_000 });
      await delay(1_100);
      await a.see('k');
      // Sampled anew by the read before: ages are told by the clock as it is now.
      await a.tier.renew('k', 'x', 1);
      expect(await a.see('k')).toBe('new');
      await a.tier.clear('delete');
    }
  });
});
