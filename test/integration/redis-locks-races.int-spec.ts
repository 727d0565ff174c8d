import { describe, expect, it } from '@jest/globals';
import { systemClock, type Clock } from '@strata-cache/core';
import { CANCEL } from '../../libs/redis/src/scripts/lock-release.js';
import { failsWith } from '../engine/fails-with.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { closeAfterEach, engine, PREFIX } from './redis-lock-engines.js';

closeAfterEach();

const HOUR = { ttl: '1h', wait: '1h' } as const;

/** Polls and ends of leases never come: who is not woken sleeps for ever. */
const onlyWoken: Clock = {
  ...systemClock,
  setTimeout: (run, ms) => (ms < 200 ? systemClock.setTimeout(run, ms) : setTimeout(() => undefined, 0).unref()),
};

/** Interleavings that once left a lock with nobody, or somebody without his turn. Each failed before its remedy. */
describe('races of locks on Redis', () => {
  /**
   * 1 A asks on connection 1, whose bytes hang; 2 A gives connection 1 up, asks on connection 2, is granted, releases; 3 the bytes of
   * connection 1 arrive: the lock is granted to an attempt that has ended, for its whole ttl.
   */
  it.each(['released', 'cancelled'])(
    'bytes of a connection that was given up grant nothing: %s before',
    async (how) => {
      const server = await new RedisServer().start();
      const slow = await new FaultProxy(server.port).start();
      const proxy = await new FaultProxy(slow.port).start();
      const { locks } = engine({ url: proxy.url });
      const direct = engine({ url: server.url }).locks;
      await locks.withLock('warm', () => undefined);
      const holder = how === 'cancelled' ? await direct.acquire('k', HOUR) : undefined;
      slow.resetCounters();
      slow.hold('up', true);
      const controller = new AbortController();
      const waiting = locks.acquire('k', { ...HOUR, signal: controller.signal });
      await eventually(() => slow.counters.upBytes > 0);
      proxy.retarget(server.port);
      if (holder === undefined) {
        await (await waiting).release();
      } else {
        const queue = (length: number): Promise<boolean> =>
          eventually(async () => (await server.cli('ZCARD', `${PREFIX}:lq:k`)) === length);
        const refused = failsWith(waiting, 'enough');
        await queue(1);
        controller.abort(new Error('enough'));
        await refused;
        await queue(0);
        await holder.release();
      }
      expect(await server.cli('EXISTS', `${PREFIX}:lk:k`)).toBe(0);
      slow.hold('up', false);
      // It has read the end of that connection, so what stood before it was executed.
      const connections = holder === undefined ? 2 : 3;
      const list = async (): Promise<string> => String(await server.cli('CLIENT', 'LIST'));
      await eventually(async () => (await list()).split('name=strata:locks:locks').length === connections);
      expect(await server.cli('EXISTS', `${PREFIX}:lk:k`, `${PREFIX}:lq:k`)).toBe(0);
      await (await direct.acquire('k', { wait: '1s' })).release();
    },
  );

  /**
   * 1 A sends acquire by its digest; 2 A is aborted, cancel stands behind it; 3 the server does not know acquire (any more), but cancel;
   * 4 A sends the text of acquire: behind its own cancellation.
   */
  it('a script the server has forgotten is not sent again for who has gone', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const { locks } = engine({ url: proxy.url, commandTimeout: '5s' });
    await locks.withLock('warm', () => undefined);
    await server.cli('SCRIPT', 'FLUSH');
    await server.cli('SCRIPT', 'LOAD', CANCEL.lua);
    proxy.resetCounters();
    proxy.hold('up', true);
    const controller = new AbortController();
    const cancelled = failsWith(locks.acquire('k', { ...HOUR, signal: controller.signal }), 'enough');
    await eventually(() => proxy.counters.upBytes > 0);
    const before = proxy.counters.upBytes;
    controller.abort(new Error('enough'));
    await cancelled;
    await eventually(() => proxy.counters.upBytes > before);
    proxy.hold('up', false);
    // By digest and then by text: two round trips behind.
    await locks.withLock('other', () => undefined);
    expect(await server.cli('EXISTS', `${PREFIX}:lk:k`, `${PREFIX}:lq:k`)).toBe(0);
  });

  /** 1 A releases; 2 the engine is closed, which ends the connection; 3 the answer to the release finds nobody, the release fails. */
  it('closing waits for a release that is under way', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const strata = engine({ url: proxy.url });
    const lease = await strata.locks.acquire('k', { ttl: '1h' });
    proxy.hold('up', true);
    const releasing = lease.release();
    const closing = strata.close();
    await new Promise((resolve) => setImmediate(resolve));
    proxy.hold('up', false);
    await Promise.all([releasing, closing]);
    expect(await server.cli('EXISTS', `${PREFIX}:lk:k`)).toBe(0);
  });

  /** 1 W waits for a lock of shard 3 on one server; 2 its release wakes W on the channel of shard 3, where W must be listening. */
  it('locks in any shard of one server wake who waits', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url, shards: 8 }, {}, onlyWoken);
    const names = Array.from({ length: 12 }, (_, index) => `lock ${index}`);
    const held = await Promise.all(names.map(async (name) => locks.acquire(name, HOUR)));
    const waiting = names.map(async (name) => locks.acquire(name, HOUR));
    const queues = async (): Promise<number> => ((await server.cli('KEYS', 'strata:*:lq:*')) as string[]).length;
    await eventually(async () => (await queues()) === names.length);
    await Promise.all(held.map(async (lease) => lease.release()));
    await Promise.all((await Promise.all(waiting)).map(async (lease) => lease.release()));
  });

  /**
   * 1 twenty ask, and each grant is followed by a WAIT for replicas that are away; 2 the WAITs stand in one line on the connection; 3 the
   * renewal of a lease behind them comes too late.
   */
  it('grants that wait for replicas at the same time wait once', async () => {
    const server = await new RedisServer().start();
    const { locks } = engine({ url: server.url, lockDurability: { replicas: 1, timeout: '200ms' } });
    await failsWith(locks.acquire('warm'), /only 0 of 1/);
    await server.cli('CONFIG', 'RESETSTAT');
    const refused = Array.from({ length: 20 }, async (_, index) =>
      failsWith(locks.tryAcquire(`k${index}`), /only 0 of 1/),
    );
    await Promise.all(refused);
    const [, waits] = /cmdstat_wait:calls=(\d+)/.exec(String(await server.cli('INFO', 'commandstats'))) ?? [];
    expect(Number(waits)).toBeGreaterThan(0);
    expect(Number(waits)).toBeLessThanOrEqual(3);
  });
});
