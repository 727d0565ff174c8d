import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Locks } from '@strata-cache/core';
import { failsWith } from '../engine/fails-with.js';
import type { LocksHarness } from './locks.harness.js';

/** A lock taken inside itself; part of the contract of locks. */
export function reentranceContract(harnessOf: () => LocksHarness, ttl: number): void {
  describe('reentrance', () => {
    let harness: LocksHarness;
    let locks: Locks;
    const ms = (value: number): `${number}ms` => `${value}ms`;

    beforeEach(() => {
      harness = harnessOf();
      locks = harness.locks;
    });

    const reentrant = { reentrant: true, wait: ms(ttl) } as const;

    it('without the option a call inside waits for itself, and gives up', async () => {
      const nested = locks.withLock('k', async () => {
        const inner = failsWith(locks.acquire('k', { wait: ms(ttl) }), { code: 'ERR_LOCK_TIMEOUT' });
        await harness.advance(ttl * 2);
        await inner;
        return 'outer';
      });
      expect(await nested).toBe('outer');
    });

    it('with it, on both, the lease is shared, and the outermost call releases', async () => {
      const tokens = await locks.withLock(
        'k',
        async (outer) => {
          const inner = await locks.withLock('k', (lease) => lease.token, reentrant);
          const taken = await locks.acquire('k', reentrant);
          await taken.release();
          outer.assertHeld();
          expect(await locks.tryAcquire('k')).toBeNull();
          return [outer.token, inner, taken.token];
        },
        reentrant,
      );
      expect(new Set(tokens).size).toBe(1);
      const next = await locks.tryAcquire('k');
      expect(next).not.toBeNull();
      await next?.release();
    });

    it('another call beside it, and another key inside it, are locked as ever', async () => {
      await locks.withLock(
        'k',
        async () => {
          const other = await locks.acquire('other', reentrant);
          await other.release();
        },
        reentrant,
      );
      let inside = 0;
      let most = 0;
      const beside = async (): Promise<void> =>
        locks.withLock(
          'k',
          async () => {
            most = Math.max(most, ++inside);
            await locks.withLock('k', () => undefined, reentrant);
            inside--;
          },
          { ...reentrant, wait: '60s' },
        );
      await Promise.all([beside(), beside(), beside()]);
      expect(most).toBe(1);
    });

    it('work that outlives its withLock is under no lock any more', async () => {
      let late: Promise<unknown> = Promise.resolve();
      let go: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (go = resolve));
      await locks.withLock(
        'k',
        () => {
          late = gate.then(async () => locks.tryAcquire('k', { reentrant: true }));
        },
        reentrant,
      );
      const holder = await locks.acquire('k');
      go();
      expect(await late).toBeNull();
      await holder.release();
    });

    /** 1 an inner call runs under the outer lease and is not awaited, 2 the outer call returns and gives the lock back, 3 the inner one ends. */
    it('an inner call does not succeed when the outer one has given the lock back meanwhile', async () => {
      let inner: Promise<unknown> = Promise.resolve();
      let go: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (go = resolve));
      await locks.withLock(
        'k',
        () =>
          void (inner = failsWith(
            locks.withLock('k', () => gate, reentrant),
            { code: 'ERR_LEASE_LOST' },
          )),
        reentrant,
      );
      go();
      await inner;
    });

    it('an inner call reports a lease that was lost under it', async () => {
      const inner = locks.withLock(
        'k',
        async () => {
          await failsWith(
            locks.withLock('k', async () => harness.advance(ttl * 2), reentrant),
            { code: 'ERR_LEASE_LOST' },
          );
          throw new Error('mine');
        },
        { ...reentrant, ttl: ms(ttl), renew: false },
      );
      await failsWith(inner, 'mine');
    });

    it('inside a lease that was lost it is refused', async () => {
      const nested = locks.withLock(
        'k',
        async () => {
          await harness.advance(ttl * 2);
          return locks.withLock('k', () => undefined, reentrant);
        },
        { ...reentrant, ttl: ms(ttl), renew: false },
      );
      await failsWith(nested, { code: 'ERR_LEASE_LOST' });
    });
  });
}
