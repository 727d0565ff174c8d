import { describe, expect, it } from '@jest/globals';
import { LeaseLostError, systemClock, type Clock, type Notice, type Operation } from '@strata-cache/core';
import { failsWith } from '../engine/fails-with.js';
import { locker } from '../locks/crashes.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { closeAfterEach, engine, PREFIX } from './redis-lock-engines.js';

closeAfterEach();

describe('locks of an engine with Redis', () => {
  it('open their connection when the first lock is asked for, and close it with the engine', async () => {
    const server = await new RedisServer().start();
    const notices: string[] = [];
    const strata = engine({ url: server.url }, { notice: ({ name }: Notice) => notices.push(name) });
    const list = async (): Promise<string> => String(await server.cli('CLIENT', 'LIST'));
    await eventually(async () => (await list()).includes('strata:locks:data'));
    const { locks } = strata;
    expect(await list()).not.toContain('strata:locks:locks');
    await locks.withLock('k', () => undefined);
    expect((await list()).split('strata:locks:locks')).toHaveLength(2);
    const lease = await locks.acquire('held', { ttl: '1h' });
    await strata.close();
    expect(await server.cli('EXISTS', `${PREFIX}:lk:held`)).toBe(0);
    expect(() => lease.assertHeld()).toThrow(LeaseLostError);
    await eventually(async () => !(await list()).includes('strata:locks'));
    expect(notices).not.toContain('locks.local');
  });

  it('cost two commands when they are free, one to have it and one to give it back', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url });
    await locks.withLock('warm', () => undefined);
    await server.cli('CONFIG', 'RESETSTAT');
    for (let index = 0; index < 50; index++) {
      await locks.withLock(`k${index}`, () => undefined);
    }
    await Promise.all(Array.from({ length: 50 }, async (_, index) => locks.withLock(`k${index}`, () => undefined)));
    const stats = String(await server.cli('INFO', 'commandstats'));
    expect(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]).toBe('200');
    expect(stats).not.toMatch(/cmdstat_(eval|wait|publish):/);
  });

  it("wait: '2s' waits two seconds, not less", async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url });
    const held = await locks.acquire('k');
    const since = performance.now();
    await failsWith(locks.acquire('k', { wait: '2s' }), { code: 'ERR_LOCK_TIMEOUT' });
    expect(performance.now() - since).toBeGreaterThanOrEqual(1_999);
    await held.release();
    expect(await server.cli('EXISTS', `${PREFIX}:lq:k`, `${PREFIX}:la:k`)).toBe(0);
  });

  it('lost data is noticed at the next renewal, named, and never brought back; an own error goes before it', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url });
    const lost = (run: () => void): Promise<void> =>
      locks.withLock(
        'order:7',
        async (lease) => {
          await server.cli('FLUSHALL');
          await eventually(() => lease.signal.aborted);
          run();
        },
        { ttl: '600ms' },
      );
    await failsWith(
      lost(() => undefined),
      /lock "order:7": the lease ran out or was lost/,
    );
    const mine = (): never => {
      throw new Error('mine');
    };
    await failsWith(lost(mine), 'mine');
    expect(await server.cli('EXISTS', `${PREFIX}:lk:order%003a7`)).toBe(0);
    expect(locks.stats()).toMatchObject({ held: 0, lost: 2 });
  });

  it('waiters are woken: by the release, and by their connection when it is back; no timer has to help', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    // Polls and ends of leases never come.
    const clock: Clock = {
      ...systemClock,
      setTimeout: (run, ms) => (ms < 200 ? systemClock.setTimeout(run, ms) : setTimeout(() => undefined, 0).unref()),
    };
    const { locks } = engine({ url: proxy.url }, {}, clock);
    const direct = engine({ url: server.url }).locks;
    const queued = async (key: string): Promise<void> =>
      void (await eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:${key}`)) === 1));
    for (const cut of [false, true]) {
      const key = `cut-${cut}`;
      const held = await direct.acquire(key, { ttl: '1h' });
      const waiting = locks.acquire(key, { wait: '1h', ttl: '1h' });
      await queued(key);
      if (cut) {
        await proxy.refuse(true);
        proxy.reset();
        await eventually(() => proxy.open === 0);
      }
      await held.release();
      await proxy.refuse(false);
      await (await waiting).release();
    }
  });

  it('gives back and prolongs what is its own, and nothing else', async () => {
    const server = await new RedisServer().start();
    const [a, b] = [engine({ url: server.url }).locks, engine({ url: server.url }).locks];
    const options = { ttl: '30s', renew: false } as const;
    const [first, second] = [await a.acquire('k', options), await a.acquire('other', options)];
    await server.cli('FLUSHALL');
    const [next, other] = [await b.acquire('k', options), await b.acquire('other', { ttl: '1s', renew: false })];
    await failsWith(first.release(), { code: 'ERR_LEASE_LOST' });
    await failsWith(second.extend('1h'), { code: 'ERR_LEASE_LOST' });
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, true]);
    expect(await a.tryAcquire('k')).toBeNull();
    expect(await server.cli('PTTL', `${PREFIX}:lk:other`)).toBeLessThanOrEqual(1_000);
    await next.extend('20s');
    await next.release();
    await other.release();
  });

  it('a waiter that was killed is passed over', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url });
    const child = await locker();
    const held = await locks.acquire('k', { ttl: '30s' });
    const doomed = child.call('queue', { url: server.url, key: 'k', ms: 0 });
    const gone = failsWith(doomed, /child ended/);
    await eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:k`)) === 1);
    const waiting = locks.acquire('k', { wait: '20s' });
    await eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:k`)) === 2);
    await child.kill9();
    await gone;
    await held.release();
    await (await waiting).release();
    expect(await server.cli('EXISTS', `${PREFIX}:lq:k`, `${PREFIX}:la:k`)).toBe(0);
  });

  it('tell the observer of waits, holds, queue length and loss', async () => {
    const server = await new RedisServer().start();
    const operations: Operation[] = [];
    const notices: Notice[] = [];
    const timed: string[] = [];
    const { locks } = engine(
      { url: server.url },
      {
        around: async <T>(operation: Operation, run: () => Promise<T>): Promise<T> => {
          operations.push(operation);
          return run();
        },
        timed: (what: string, _ms: number, _cache: string, _label: string, ok: boolean) => timed.push(`${what} ${ok}`),
        notice: (notice: Notice) => notices.push(notice),
      },
    );
    const held = await locks.acquire('k');
    const first = locks.withLock('k', () => 1, { wait: '10s' });
    await eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:k`)) === 1);
    expect(await locks.tryAcquire('k')).toBeNull();
    await held.release();
    expect(await first).toBe(1);
    const lost = await locks.acquire('k', { ttl: '300ms', renew: false });
    await eventually(() => lost.signal.aborted);
    const told = operations
      .filter(({ kind }) => kind.startsWith('lock'))
      .map(({ kind, key, outcome, queueLength }) => [kind, key, outcome, queueLength]);
    expect(told.sort()).toEqual(
      [
        ['lock.wait', 'k', 'granted', 0],
        ['lock.hold', 'k', 'released', undefined],
        ['lock.wait', 'k', 'granted', 0],
        ['lock.hold', 'k', 'released', undefined],
        ['lock.wait', 'k', 'refused', 1],
        ['lock.wait', 'k', 'granted', 0],
        ['lock.hold', 'k', 'lost', undefined],
      ].sort(),
    );
    expect(notices.filter(({ name }) => name === 'lock.lost').map(({ message }) => message)).toEqual([
      'lock "k": the lease was lost while it was held',
    ]);
    expect(timed.filter((line) => line.startsWith('lock')).sort()).toEqual(
      ['hold false', 'hold true', 'hold true', 'wait false', 'wait true', 'wait true', 'wait true'].map(
        (line) => `lock.${line}`,
      ),
    );
  });

  it('a full server still locks: granting, queueing, extending, releasing', async () => {
    const server = await new RedisServer({ config: { 'maxmemory-policy': 'noeviction' } }).start();
    const { locks } = engine({ url: server.url });
    await locks.withLock('warm', () => undefined);
    await server.cli('CONFIG', 'SET', 'maxmemory', '1');
    await failsWith(server.cli('SET', 'x', 'y'), /OOM/);
    const held = await locks.acquire('k', { ttl: '1s' });
    const waiting = locks.acquire('k', { wait: '10s' });
    await eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:k`)) === 1);
    await held.extend('10s');
    await held.release();
    await (await waiting).release();
  });

  it('warns of a server that may evict a lock', async () => {
    const server = await new RedisServer({
      config: { maxmemory: '100mb', 'maxmemory-policy': 'volatile-lru' },
    }).start();
    const notices: Notice[] = [];
    const { locks } = engine({ url: server.url }, { notice: (notice: Notice) => notices.push(notice) });
    await locks.withLock('k', () => undefined);
    await eventually(() => notices.some(({ name, message }) => name === 'locks.redis' && /volatile-lru/.test(message)));
  });

  it('what stands under the names of a lock by mistake is no lock', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url });
    await server.cli('LPUSH', `${PREFIX}:lk:k`, 'x');
    await server.cli('SET', `${PREFIX}:lf:k`, 'x');
    await locks.withLock('k', (lease) => lease.assertHeld());
    await server.cli('SET', `${PREFIX}:lk:k`, 'garbage');
    await server.cli('SET', `${PREFIX}:lf:k`, '99999999999999999999');
    await locks.withLock('k', (lease) => expect(lease.token < 2n ** 53n).toBe(true));
    await server.cli('ZADD', `${PREFIX}:lq:k`, '1', 'a ghost without a sign of life', '2', 'another');
    const lease = await locks.acquire('k', { wait: '20s' });
    await lease.release();
    await server.cli('LPUSH', `${PREFIX}:lq:bad`, 'x');
    await failsWith(locks.acquire('bad'), { code: 'ERR_LOCK' });
  });

  it('a clock of the server that is set back frees a dead lock after its ttl, and tokens rise', async () => {
    const server = await new RedisServer({ faketime: '+0' }).start();
    const { locks } = engine({ url: server.url });
    const child = await locker();
    const token = await child.call('hold', { url: server.url, key: 'k', ttl: '1000ms' });
    await child.kill9();
    server.stepClock('-1h');
    const lease = await locks.acquire('k', { wait: '20s' });
    expect(lease.token > token).toBe(true);
    await lease.release();
    await server.cli('FLUSHALL');
    server.stepClock('-2h');
    await locks.withLock('k', (next) => expect(next.token > lease.token).toBe(true));
  });
});
