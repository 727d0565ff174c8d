import { describe, expect, it } from '@jest/globals';
import { LeaseLostError, type Notice } from '@strata-cache/core';
import { setTimeout as delay } from 'node:timers/promises';
import { failsWith } from '../engine/fails-with.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { closeAfterEach, engine, PREFIX } from './redis-lock-engines.js';

closeAfterEach();

describe('locks and a Redis that cannot be reached', () => {
  it('an error and no grant, not even a refusal; and it heals', async () => {
    const server = await new RedisServer().start();
    await server.stop();
    const { locks } = engine({ url: server.url });
    let runs = 0;
    await failsWith(locks.tryAcquire('k'), { code: 'ERR_LOCK' });
    await failsWith(
      locks.withLock('k', () => runs++, { wait: '1s' }),
      { code: 'ERR_LOCK' },
    );
    expect(runs).toBe(0);
    const waiting = locks.withLock('k', () => runs++, { wait: '20s' });
    await server.start();
    await waiting;
    expect(runs).toBe(1);
  });

  it('a cancelled wait ends at once, although nothing answers, and leaves nothing behind', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const { locks } = engine({ url: proxy.url, commandTimeout: '5s' });
    const direct = engine({ url: server.url }).locks;
    await locks.withLock('warm', () => undefined);
    proxy.hold('both', true);
    const controller = new AbortController();
    const waiting = locks.acquire('k', { wait: '1h', ttl: '1h', signal: controller.signal });
    const cancelled = failsWith(waiting, 'enough');
    controller.abort(new Error('enough'));
    await cancelled;
    // The acquire is executed now, and behind it its cancellation.
    proxy.hold('both', false);
    await eventually(async () => (await direct.tryAcquire('k'))?.release().then(() => true) ?? false);
  });

  it('a grant counts from before it was asked for, however late its answer; one that comes too late is asked for anew', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const { locks } = engine({ url: proxy.url });
    const direct = engine({ url: server.url }).locks;
    await locks.withLock('warm', () => undefined);
    proxy.hold('down', true);
    const slow = locks.acquire('slow', { ttl: '800ms', renew: false });
    const late = locks.acquire('late', { ttl: '100ms' });
    await eventually(async () => (await server.cli('EXISTS', `${PREFIX}:lk:slow`)) === 1);
    const next = direct.acquire('slow', { wait: '10s' });
    await eventually(async () => (await server.cli('EXISTS', `${PREFIX}:lk:late`)) === 0);
    await delay(250);
    proxy.hold('down', false);
    (await late).assertHeld();
    const lease = await slow;
    await (await next).release();
    expect(() => lease.assertHeld()).toThrow(LeaseLostError);
  });

  it('withLock keeps what its routine has returned when the release cannot be told to anybody', async () => {
    const server = await new RedisServer().start();
    const notices: string[] = [];
    const { locks } = engine({ url: server.url }, { notice: ({ name }: Notice) => notices.push(name) });
    const run = async (): Promise<string> => {
      await server.kill9();
      return 'done';
    };
    const other = await locks.acquire('other', { ttl: '30s' });
    const kept = locks.withLock('k', run, { ttl: '30s' });
    // The same, said to a caller who asks for it.
    const refused = eventually(() => !server.running).then(async () =>
      failsWith(other.release(), { code: 'ERR_LOCK' }),
    );
    expect(await kept).toBe('done');
    await refused;
    expect(notices).toContain('lock.release');
  });
});
