import { describe, expect, it } from '@jest/globals';
import type { Notice } from '@strata-cache/core';
import { record } from '../contract/shared-tier.harness.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { closeAfterEach, connect, PREFIX, server } from './redis-instances.js';

closeAfterEach();

describe('Redis refuses', () => {
  it('SCRIPT FLUSH: the scripts are sent again', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await redisServer.cli('SCRIPT', 'FLUSH');
    await a.load('k', 'v');
    await redisServer.cli('SCRIPT', 'FLUSH');
    await Promise.all([
      a.tier.invalidateKeys(['k'], 'delete'),
      a.tier.invalidateTags(['t'], 'delete'),
      a.tier.clear('delete'),
    ]);
    expect(await a.see('k')).toBeUndefined();
  });

  it('out of memory (noeviction): nothing is stored, every invalidation is done', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.load('k', 'v', { graceFor: 60_000 });
    await a.load('tagged', 'v', { tags: ['t'] });
    await a.load('put', 'old');
    await a.load('cleared', 'v');
    const lease = await a.granted('new');
    await redisServer.cli('CONFIG', 'SET', 'maxmemory', '1');
    expect(await a.tier.fill('new', lease, record('v'), true)).toBe(false);
    expect(await a.tier.put('put', record('new'), 7)).toBe(false);
    await a.tier.invalidateKeys(['k'], 'expire');
    expect(await a.see('k')).toBe('v (stale)');
    await a.tier.invalidateKeys(['k'], 'delete');
    await a.tier.invalidateTags(['t', 'u'], 'delete');
    expect(await Promise.all(['k', 'tagged', 'put', 'new', 'cleared'].map((key) => a.see(key)))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'v',
    ]);
    await a.tier.hold('k', { token: 'w', ttl: 1_000 });
    await a.tier.unhold('k', 'w');
    await a.tier.clear('delete');
    expect(await a.see('cleared')).toBeUndefined();
    // A newcomer attaches, too.
    const b = await connect({ url: redisServer.url }).ready();
    await b.tier.invalidateTags(['t'], 'delete');
    await redisServer.cli('CONFIG', 'SET', 'maxmemory', '0');
    await b.load('k', 'again');
    expect(await a.see('k')).toBe('again');
  });

  it('a server that became a replica: rejected, until it is a master again', async () => {
    const [redisServer, other] = [await server(), await server()];
    const a = await connect({ url: redisServer.url }).ready();
    await redisServer.cli('REPLICAOF', '127.0.0.1', other.port);
    await expect(a.tier.invalidateKeys(['k'], 'delete')).rejects.toThrow();
    await eventually(async () => expect((await a.outcome('k')).error).toBeDefined());
    await redisServer.cli('REPLICAOF', 'NO', 'ONE');
    await a.ready();
    await eventually(() => a.tier.invalidateKeys(['k'], 'delete'));
  });

  it('a wrong password: unavailable, told once, and healed when it becomes right', async () => {
    const notices: Notice[] = [];
    const redisServer = await server({ password: 'right' });
    const options = { url: `redis://127.0.0.1:${redisServer.port}`, password: 'other' };
    const a = connect(options, { observer: { notice: (notice) => notices.push(notice) } });
    await eventually(() => notices.length > 0);
    expect((await a.outcome('k')).error).toBeDefined();
    await expect(a.tier.invalidateKeys(['k'], 'delete')).rejects.toThrow(/not attached/);
    await redisServer.cli('CONFIG', 'SET', 'requirepass', 'other');
    await a.ready();
    expect(JSON.stringify(notices)).not.toContain('other');
    expect(notices.length).toBeLessThanOrEqual(4);
  });

  it('instances that disagree about the number of shards do not mix', async () => {
    const notices: Notice[] = [];
    const redisServer = await server();
    const a = await connect({ url: redisServer.url, shards: 2 }).ready();
    const b = connect({ url: redisServer.url, shards: 3 }, { observer: { notice: (notice) => notices.push(notice) } });
    await eventually(() => notices.some(({ message }) => message.includes('2 shards, not 3')));
    expect((await b.outcome('k')).error).toBeDefined();
    expect(b.connected.size).toBe(0);
    await a.load('k', 'v');
  });
});

describe('Redis is away', () => {
  it('at boot: nothing throws or waits, and it heals when Redis appears', async () => {
    const redisServer = await server();
    await redisServer.stop();
    const a = connect({ url: redisServer.url });
    expect((await a.outcome('k')).error).toBeDefined();
    await expect(a.tier.lease('k', { token: 'x', seen: '', ttl: 1_000 })).rejects.toThrow();
    await expect(a.bus.probe(0)).rejects.toThrow();
    await redisServer.start();
    await a.ready();
    await a.load('k', 'v');
  });

  it('frozen: every operation ends in an error, a fill executed late changes nothing', async () => {
    const redisServer = await server();
    const proxy = await new FaultProxy(redisServer.port).start();
    const [a, b] = [
      await connect({ url: proxy.url, commandTimeout: 100 }).ready(),
      await connect({ url: redisServer.url }).ready(),
    ];
    const lease = await a.granted('k');
    proxy.hold('up', true);
    await expect(a.tier.fill('k', lease, record('old'), false)).rejects.toThrow();
    expect((await a.outcome('k')).error).toBeDefined();
    await b.tier.invalidateKeys(['k'], 'delete');
    proxy.hold('up', false);
    await a.ready();
    // A round trip on whatever connection it has now: what was held back has been executed, or never will be.
    await a.tier.invalidateTags(['fence'], 'delete');
    expect(await b.see('k')).toBeUndefined();
  });

  it('a lost reply to a lease does not lock its own sender out', async () => {
    const redisServer = await server();
    const proxy = await new FaultProxy(redisServer.port).start();
    const a = await connect({ url: proxy.url, commandTimeout: 200 }).ready();
    const lost = proxy.dropNextReply((request) => request.includes('evalsha') || request.includes('eval'));
    await expect(a.tier.lease('k', { token: 'mine', seen: '', ttl: 60_000 })).rejects.toThrow();
    await lost;
    const again = await eventually(() => a.tier.lease('k', { token: 'mine', seen: '', ttl: 60_000 }));
    expect(again.status).toBe('granted');
  });

  it('killed subscribers come back: told as disconnected and connected, sequence unbroken', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.tier.invalidateKeys(['k'], 'delete');
    const before = await a.bus.probe(0);
    await redisServer.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => a.connected.size === 0);
    await expect(a.bus.probe(0)).rejects.toThrow();
    await a.ready();
    expect(await a.bus.probe(0)).toEqual(before);
    await a.tier.invalidateKeys(['k'], 'delete');
    const after = await a.bus.probe(0);
    expect(after.sequence).toBe(before.sequence + 1);
    expect(a.messages.at(-1)?.sequence).toBe(after.sequence);
  });

  it('a borrowed client is neither used nor closed', async () => {
    const { Redis } = await import('ioredis');
    const redisServer = await server();
    const borrowed = new Redis({ port: redisServer.port, keyPrefix: 'theirs:', enableOfflineQueue: true });
    const a = await connect({ client: borrowed }).ready();
    await a.load('k', 'v');
    expect(await redisServer.cli('EXISTS', `${PREFIX}:e:k`)).toBe(1);
    await a.close();
    expect(await borrowed.set('x', 'y')).toBe('OK');
    borrowed.disconnect();
  });
});
