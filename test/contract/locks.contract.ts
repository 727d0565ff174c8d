import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheConfigError, LeaseLostError, LockTimeoutError, type Locks } from '@strata-cache/core';
import { failsWith } from '../engine/fails-with.js';
import type { LocksHarness } from './locks.harness.js';
import { reentranceContract } from './locks-reentrance.contract.js';
import { stallContract } from './locks-stall.contract.js';

export interface LocksContractOptions {
  /** The shortest ttl worth testing with, ms: long against the round trips of the service. */
  readonly ttl: number;
  /** Whether the harness has `stall`: then what holds before any timer has run is tested too. */
  readonly canStall: boolean;
}

/** What every implementation of {@link Locks} keeps. Call it inside a describe of the implementation. */
export function locksContract(
  name: string,
  open: () => Promise<LocksHarness>,
  { ttl, canStall }: LocksContractOptions,
): void {
  describe(`${name} keeps the contract of locks`, () => {
    let harness: LocksHarness;
    let locks: Locks;

    beforeEach(async () => {
      harness = await open();
      locks = harness.locks;
    });

    afterEach(() => harness.close());

    const ms = (value: number): `${number}ms` => `${value}ms`;
    const short = { ttl: ms(ttl), renew: false };

    it('runs one routine at a time and returns its result', async () => {
      let inside = 0;
      let most = 0;
      const routine = async (index: number): Promise<number> =>
        locks.withLock('k', async () => {
          most = Math.max(most, ++inside);
          await Promise.resolve();
          inside--;
          return index;
        });
      expect(await Promise.all([1, 2, 3, 4, 5].map(routine))).toEqual([1, 2, 3, 4, 5]);
      expect(most).toBe(1);
    });

    it('does not hold one key for another', async () => {
      const a = await locks.acquire('a');
      const b = await locks.tryAcquire('b');
      expect(b).not.toBeNull();
      await a.release();
      await b?.release();
    });

    it('tryAcquire answers null at once when the lock is held, and a lease when it is free again', async () => {
      const held = await locks.acquire('k');
      expect(await locks.tryAcquire('k')).toBeNull();
      await held.release();
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it('serves waiters in the order they came', async () => {
      const held = await locks.acquire('k');
      const order: number[] = [];
      const waiting: Promise<void>[] = [];
      for (let index = 0; index < 5; index++) {
        waiting.push(locks.withLock('k', () => void order.push(index), { wait: '60s' }));
        await harness.advance(0);
      }
      await held.release();
      await Promise.all(waiting);
      expect(order).toEqual([0, 1, 2, 3, 4]);
    });

    it('a newcomer does not overtake whoever waits', async () => {
      const held = await locks.acquire('k');
      const waiting = locks.acquire('k', { wait: '60s' });
      await harness.advance(0);
      await held.release();
      expect(await locks.tryAcquire('k')).toBeNull();
      await (await waiting).release();
    });

    it('acquire gives up after `wait` with LockTimeoutError, tryAcquire with null', async () => {
      const held = await locks.acquire('k');
      const acquired = locks.acquire('k', { wait: ms(ttl) });
      const tried = locks.tryAcquire('k', { wait: ms(ttl) });
      const refused = failsWith(acquired, { code: 'ERR_LOCK_TIMEOUT' });
      await harness.advance(ttl * 2);
      await refused;
      await expect(acquired).rejects.toBeInstanceOf(LockTimeoutError);
      expect(await tried).toBeNull();
      await held.release();
      // Whoever gave up is not in the queue any more.
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it('a wait can be cancelled, and the next waiter is served', async () => {
      const held = await locks.acquire('k');
      const controller = new AbortController();
      const cancelled = locks.acquire('k', { wait: '60s', signal: controller.signal });
      const patient = locks.acquire('k', { wait: '60s' });
      const refused = failsWith(cancelled, 'no longer wanted');
      await harness.advance(0);
      controller.abort(new Error('no longer wanted'));
      await refused;
      await held.release();
      await (await patient).release();
    });

    it('refuses to start with an aborted signal', async () => {
      await expect(locks.acquire('k', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it('without renewal a lease runs out: signal aborted with LeaseLostError, assertHeld throws, the next one gets it', async () => {
      const lease = await locks.acquire('k', short);
      lease.assertHeld();
      expect(lease.signal.aborted).toBe(false);
      await harness.advance(ttl * 2);
      expect(lease.signal.aborted).toBe(true);
      expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
      expect(() => lease.assertHeld()).toThrow(LeaseLostError);
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await expect(lease.release()).rejects.toMatchObject({ code: 'ERR_LEASE_LOST' });
      next?.assertHeld();
      await next?.release();
    });

    it('with renewal a lease outlives its ttl', async () => {
      const lease = await locks.acquire('k', { ttl: ms(ttl) });
      await harness.advance(ttl * 3);
      lease.assertHeld();
      expect(await locks.tryAcquire('k')).toBeNull();
      await lease.release();
    });

    it('extend prolongs; extending to a shorter ttl keeps renewing', async () => {
      const lease = await locks.acquire('k', short);
      await lease.extend(ms(ttl * 4));
      await harness.advance(ttl * 2);
      lease.assertHeld();
      await lease.release();
      const renewing = await locks.acquire('k', { ttl: ms(ttl * 6) });
      await renewing.extend(ms(ttl));
      await harness.advance(ttl * 4);
      renewing.assertHeld();
      await renewing.release();
      await expect(renewing.extend(ms(ttl))).rejects.toBeInstanceOf(LeaseLostError);
    });

    it('tokens rise strictly, also after a lease was lost', async () => {
      const tokens: bigint[] = [];
      for (let round = 0; round < 5; round++) {
        const lease = await locks.acquire('k', short);
        tokens.push(lease.token);
        await (round % 2 === 0 ? lease.release() : harness.advance(ttl * 2));
      }
      for (let index = 1; index < tokens.length; index++) {
        expect(tokens[index] > tokens[index - 1]).toBe(true);
      }
    });

    it('releasing twice is harmless and does not release the next holder', async () => {
      const lease = await locks.acquire('k');
      await lease.release();
      const next = await locks.acquire('k');
      await lease.release();
      next.assertHeld();
      expect(await locks.tryAcquire('k')).toBeNull();
      await next.release();
    });

    it('`await using` releases', async () => {
      {
        await using lease = await locks.acquire('k');
        lease.assertHeld();
      }
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it("the routine's own error is never masked, not even by a lost lease, and the lock is free after it", async () => {
      await expect(locks.withLock('k', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
      await expect(
        locks.withLock(
          'k',
          async () => {
            await harness.advance(ttl * 2);
            throw new Error('mine too');
          },
          short,
        ),
      ).rejects.toThrow('mine too');
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it('withLock reports a lease that was lost under a routine that succeeded', async () => {
      await expect(locks.withLock('k', () => harness.advance(ttl * 2), short)).rejects.toBeInstanceOf(LeaseLostError);
    });

    it('refuses wrong options by name', async () => {
      await expect(locks.acquire('')).rejects.toBeInstanceOf(CacheConfigError);
      await expect(locks.acquire('k', { ttl: -1 })).rejects.toThrow(/ttl/);
      await expect(locks.acquire('k', { wait: '5 s' as never })).rejects.toThrow(/wait/);
      await expect(locks.acquire('k', { owner: 'me' } as never)).rejects.toThrow(/unknown option "owner"/);
      await expect(locks.acquire('k', { ttl: '30d' })).rejects.toThrow(/ttl: expected at most '24d'/);
      await expect(locks.acquire('k', { ttl: '1ms' })).rejects.toThrow(/ttl: expected at least '10ms'/);
      await expect(locks.acquire('k', { reentrant: 1 as never })).rejects.toThrow(/reentrant/);
      await expect(locks.withLock(7 as never, () => undefined)).rejects.toBeInstanceOf(CacheConfigError);
    });

    it('close releases what is held, refuses whoever waits and whoever comes', async () => {
      const lease = await locks.acquire('k');
      const waiting = failsWith(locks.acquire('k', { wait: '60s' }), { code: 'ERR_LOCK' });
      await harness.advance(0);
      await locks.close();
      await waiting;
      expect(() => lease.assertHeld()).toThrow(LeaseLostError);
      await expect(locks.acquire('k')).rejects.toMatchObject({ code: 'ERR_LOCK' });
    });

    it('close aborts the signal of what is held before anybody else may have it', async () => {
      const lease = await locks.acquire('k');
      await locks.close();
      expect(lease.signal.aborted).toBe(true);
      await failsWith(Promise.reject(lease.signal.reason as Error), { code: 'ERR_LEASE_LOST' });
      await failsWith(lease.release(), { code: 'ERR_LEASE_LOST' });
    });

    it('errors name the key, also a hostile one', async () => {
      const lease = await locks.acquire('order:{7}\n', short);
      await expect(locks.acquire('order:{7}\n', { wait: 0 })).rejects.toThrow(/order:\{7\}/);
      await harness.advance(ttl * 2);
      expect(() => lease.assertHeld()).toThrow(/order:\{7\}/);
      expect(String(lease.signal.reason)).toContain('order:{7}');
    });

    it('no two names are one lock', async () => {
      const names = [
        'a',
        'A',
        'a:b',
        'a%003ab',
        'a b',
        'a\nb',
        '{a}',
        'a}',
        '*',
        '?',
        '1',
        '#1',
        'é',
        'e\u0301',
        '\ud800',
        '\udbff',
      ];
      names.push(`${'x'.repeat(500)}1`, `${'x'.repeat(500)}2`, '__proto__', 'constructor', ' ', '\0');
      const leases = await Promise.all(names.map(async (name) => locks.tryAcquire(name)));
      expect(leases.filter((lease) => lease === null)).toEqual([]);
      expect(await Promise.all(names.map(async (name) => locks.tryAcquire(name)))).toEqual(names.map(() => null));
      await Promise.all(leases.map(async (lease) => lease?.release()));
    });

    reentranceContract(() => harness, ttl);

    it('counts, and its gauges go back to nothing', async () => {
      const lease = await locks.acquire('k');
      const waiting = locks.acquire('k', { wait: '60s' });
      await harness.advance(0);
      expect(await locks.tryAcquire('k')).toBeNull();
      expect(locks.stats()).toMatchObject({ held: 1, waiting: 1, granted: 1, refused: 1, lost: 0 });
      await lease.release();
      await (await waiting).release();
      const lost = await locks.acquire('k', short);
      await harness.advance(ttl * 2);
      expect(lost.signal.aborted).toBe(true);
      expect(locks.stats()).toEqual({ held: 0, waiting: 0, granted: 3, refused: 1, lost: 1 });
    });

    it('hands over 200 times among 20 contenders without losing one', async () => {
      let inside = 0;
      let most = 0;
      let done = 0;
      const contender = async (): Promise<void> => {
        for (let round = 0; round < 10; round++) {
          await locks.withLock(
            'k',
            async () => {
              most = Math.max(most, ++inside);
              await Promise.resolve();
              inside--;
              done++;
            },
            { wait: '60s' },
          );
        }
      };
      await Promise.all(Array.from({ length: 20 }, contender));
      expect([most, done]).toEqual([1, 200]);
    });

    if (canStall) {
      stallContract(() => harness, ttl);
    }
  });
}
