import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { CacheModule, currentLease, LeaseLostError, LockService, Strata, type Observer } from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock, gate } from '@strata-cache/nestjs/testing';
import { boot, Orders } from './locks-orders.js';

describe('LockService', () => {
  it('is injectable and locks like the engine', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const held = await locks.acquire('k');
    expect(await locks.tryAcquire('k')).toBeNull();
    expect(await app.get(Strata).locks.tryAcquire('k')).toBeNull();
    await held.release();
    expect(await locks.withLock('k', (lease) => lease.key)).toBe('k');
    await using again = await locks.tryAcquire('k');
    expect(again?.token).toBeGreaterThan(held.token);
    expect(locks.stats()).toMatchObject({ held: 1, waiting: 0, granted: 3, refused: 2, lost: 0 });
    await app.close();
  });

  it('makes the lease of withLock the current one, the innermost first, and leaves none behind', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const seen: (string | undefined)[] = [];
    const note = (): void => void seen.push(currentLease()?.key);
    note();
    await locks.withLock('outer', async (outer) => {
      note();
      await locks.withLock('inner', async () => {
        await Promise.resolve();
        note();
      });
      note();
      expect(currentLease()).toBe(outer);
    });
    note();
    expect(seen).toEqual([undefined, 'outer', 'inner', 'outer', undefined]);
    await app.close();
  });

  it('keeps the leases of calls that run side by side apart', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const keys = ['a', 'b', 'c'];
    const seen = keys.map((key) =>
      locks.withLock(key, async () => {
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        return currentLease()?.key;
      }),
    );
    expect(await Promise.all(seen)).toEqual(keys);
    await app.close();
  });

  it('is no lease of work that outlives the lock; an outer one that is still held is', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const [late, done] = [gate(), gate()];
    const seen: (string | undefined)[] = [];
    let detached: Promise<unknown> = Promise.resolve();
    const look = async (): Promise<void> => {
      await late.pass();
      seen.push(currentLease()?.key);
      await done.pass();
      seen.push(currentLease()?.key);
    };
    await locks.withLock('outer', async () => {
      await locks.withLock('inner', () => void (detached = look()));
      late.open();
      await new Promise(setImmediate);
      expect(seen).toEqual(['outer']);
    });
    done.open();
    await detached;
    expect(seen).toEqual(['outer', undefined]);
    await app.close();
  });

  it('goes on as the current one when lost: it tells so', async () => {
    const app = await boot();
    const lost = await app
      .get(LockService)
      .withLock(
        'k',
        async () => {
          await app.get(FakeClock).advance(20_000);
          return currentLease()?.assertHeld();
        },
        { ttl: '10s', renew: false },
      )
      .catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(LeaseLostError);
    await app.close();
  });

  it('is released, and refuses, once the application has shut down', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const held = await locks.acquire('k');
    const waiting = locks.acquire('k', { wait: '60s' }).catch((error: unknown) => error);
    await app.close();
    expect(() => held.assertHeld()).toThrow(LeaseLostError);
    expect(await waiting).toMatchObject({ code: 'ERR_LOCK' });
    await expect(locks.acquire('k')).rejects.toMatchObject({ code: 'ERR_LOCK' });
  });

  it('tells the observer of waits and holds, those of @Locked included', async () => {
    const seen: unknown[] = [];
    const observer: Observer = {
      around: async (operation, run) => {
        const result = await run();
        seen.push([operation.kind, operation.key, operation.outcome]);
        return result;
      },
    };
    const app = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ observer })],
      providers: [Orders],
    }).compile();
    await app.get(Orders).ship('1');
    await app.get(LockService).withLock('k', async () => {
      expect(await app.get(LockService).tryAcquire('k')).toBeNull();
    });
    expect(seen).toEqual([
      ['lock.wait', 'order:1', 'granted'],
      ['lock.hold', 'order:1', 'released'],
      ['lock.wait', 'k', 'granted'],
      ['lock.wait', 'k', 'refused'],
      ['lock.hold', 'k', 'released'],
    ]);
    await app.close();
  });

  it('refuses where the engine is a stand-in', async () => {
    const app = await Test.createTestingModule({ imports: [CacheModule.forRoot()] })
      .overrideProvider(Strata)
      .useValue({})
      .compile();
    let ran = false;
    const call = app.get(LockService).withLock('k', () => (ran = true));
    await expect(call).rejects.toThrow(/LockService: no lock service is here/);
    expect(ran).toBe(false);
    await app.close();
  });
});
