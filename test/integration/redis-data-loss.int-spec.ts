import { describe, expect, it } from '@jest/globals';
import type { Notice } from '@strata-cache/core';
import { record } from '../contract/shared-tier.harness.js';
import { eventually } from '../support/eventually.js';
import { closeAfterEach, connect, PREFIX, readThroughout, server } from './redis-instances.js';

closeAfterEach();

describe('Redis loses or rolls back its data', () => {
  it('FLUSHALL: a fill from before is refused, everything works on', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.load('k', 'v');
    const lease = await a.granted('l');
    const before = await a.bus.probe(0);
    await redisServer.cli('FLUSHALL');
    await expect(a.tier.fill('l', lease, record('v'), false)).resolves.toBe(false);
    expect(await a.see('k')).toBeUndefined();
    await a.load('k', 'again');
    expect(await a.see('k')).toBe('again');
    const after = await eventually(() => a.bus.probe(0));
    expect(after.incarnation).not.toBe(before.incarnation);
  });

  it.each([
    ['hard', undefined],
    ['soft', 'old (stale)'],
    ['keep', 'old'],
  ] as const)(
    'kill -9 and an older RDB, onServerChange %s: a deleted entry comes back as %s',
    async (onServerChange, expected) => {
      const redisServer = await server();
      const a = await connect({ url: redisServer.url, onServerChange }).ready();
      await a.load('k', 'old', { graceFor: 60_000 });
      await redisServer.saveRdb();
      await a.tier.invalidateKeys(['k'], 'delete');
      await redisServer.kill9();
      await redisServer.restart();
      await readThroughout(a, 'k', expected);
      await a.load('k', 'new');
      expect(await a.see('k')).toBe('new');
      await eventually(() => a.bus.probe(0));
    },
  );

  it('restarts twice, with a fill under way', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    const lease = await a.granted('k');
    await redisServer.saveRdb();
    await redisServer.kill9();
    await redisServer.restart();
    await eventually(async () => expect((await a.outcome('k')).error).toBeUndefined());
    expect(await a.tier.fill('k', lease, record('old'), false)).toBe(false);
    expect(await a.see('k')).toBeUndefined();
  });

  it('an older state under the same server is noticed by its clock', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.load('k', 'old', { tags: ['t'] });
    const keys = ['st', 'hd', 'e:k'].map((name) => `${PREFIX}:${name}`);
    // The copies are the older state.
    await redisServer.cliAll(keys.map((key) => ['COPY', key, `${key}.bak`]));
    await a.tier.invalidateTags(['t'], 'delete');
    expect(await a.see('k')).toBeUndefined();
    await redisServer.cliAll(keys.map((key) => ['COPY', `${key}.bak`, key, 'REPLACE']));
    await expect(a.tier.invalidateKeys(['other'], 'delete')).rejects.toThrow(/older state/);
    await readThroughout(a, 'k', undefined);
    await a.tier.invalidateKeys(['other'], 'delete');
  });

  it('an older RDB is noticed also where INFO is denied, and said so', async () => {
    const notices: Notice[] = [];
    const redisServer = await server({ users: ['app on >pw ~* &* +@all -info'] });
    const options = { url: redisServer.url, username: 'app', password: 'pw' };
    const a = await connect(options, { observer: { notice: (notice) => notices.push(notice) } }).ready();
    await a.load('k', 'old');
    await redisServer.saveRdb();
    await a.tier.invalidateKeys(['k'], 'delete');
    await redisServer.kill9();
    await redisServer.restart();
    await readThroughout(a, 'k', undefined);
    expect(notices.some(({ message }) => message.includes('+info'))).toBe(true);
  });

  it('a connection that could not be attached answers nothing, though it could read', async () => {
    const redisServer = await server();
    const notices: Notice[] = [];
    const observer = { notice: (notice: Notice) => notices.push(notice) };
    const a = await connect({ url: redisServer.url }, { observer }).ready();
    await a.load('k', 'v');
    await redisServer.cli('ACL', 'SETUSER', 'default', '-evalsha', '-eval');
    await redisServer.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await redisServer.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    // Both have reconnected and tried.
    await eventually(() => notices.filter(({ message }) => message.includes('NOPERM')).length === 2);
    for (let round = 0; round < 50; round += 1) {
      expect((await a.outcome('k')).error).toBeDefined();
      await expect(a.bus.probe(0)).rejects.toThrow(/not attached/);
    }
    await redisServer.cli('ACL', 'SETUSER', 'default', '+evalsha', '+eval');
    await a.ready();
    expect(await a.see('k')).toBe('v');
  });

  it("a state that was written by another server's life is not read from, but attached to anew", async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.load('k', 'old');
    const other = Buffer.from(new Float64Array([12_345]).buffer);
    await redisServer.cliAll([
      ['ZADD', `${PREFIX}:st`, 12_345, 'r'],
      ['SETRANGE', `${PREFIX}:hd`, 40, other],
    ]);
    expect((await a.outcome('k')).error).toBeDefined();
    await readThroughout(a, 'k', undefined);
    await redisServer.cli('ZADD', `${PREFIX}:st`, 12_345, 'r');
    await expect(a.tier.invalidateKeys(['k'], 'delete')).rejects.toThrow(/another server/);
    await eventually(() => a.tier.invalidateKeys(['k'], 'delete'));
    await redisServer.cli('ZADD', `${PREFIX}:st`, 12_345, 'r');
    await expect(a.bus.probe(0)).rejects.toThrow(/lost its state/);
    await eventually(() => a.bus.probe(0));
  });

  it('losing the head costs a miss; the next lease writes it again and asks for a new read', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    const stored = await a.load('k', 'v');
    await redisServer.cli('DEL', `${PREFIX}:hd`);
    expect(await a.read('k')).toEqual({ status: 'absent', id: stored.id });
    expect(await a.tier.lease('k', { token: 'x', seen: stored.id, ttl: 1_000 })).toEqual({ status: 'changed' });
    expect(await a.see('k')).toBe('v');
  });

  it('foreign values under our keys are misses and heal', async () => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await a.load('k', 'v');
    for (const name of ['e:k', 'l:k', 'st', 'hd']) {
      await redisServer.cliAll([
        ['DEL', `${PREFIX}:${name}`],
        ['LPUSH', `${PREFIX}:${name}`, 'x'],
      ]);
      await eventually(async () => {
        await a.load('k', name);
        expect(await a.see('k')).toBe(name);
      });
    }
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['short', Buffer.from('0123456789abcdef0')],
    ['zeroes', Buffer.alloc(100)],
    ['ones', Buffer.alloc(100, 0xff)],
    ['text', Buffer.from('{"__proto__":{"polluted":true}}'.repeat(9))],
  ])('poisoned entries are misses and can be filled over (%s)', async (_name, bytes) => {
    const redisServer = await server();
    const a = await connect({ url: redisServer.url }).ready();
    await redisServer.cli('SET', `${PREFIX}:e:k`, bytes);
    expect(await a.see('k')).toBeUndefined();
    await a.load('k', 'v');
    expect(await a.see('k')).toBe('v');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
