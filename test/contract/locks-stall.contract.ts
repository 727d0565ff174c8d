import { beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseLostError, type Locks } from '@strata-cache/core';
import type { LocksHarness } from './locks.harness.js';

/** A process that stood still; part of the contract of locks where the clock can be steered. */
export function stallContract(harnessOf: () => LocksHarness, ttl: number): void {
  describe('after a stall, before any timer has run', () => {
    let harness: LocksHarness;
    let locks: Locks;
    const ms = (value: number): `${number}ms` => `${value}ms`;
    const short = { ttl: ms(ttl), renew: false };

    beforeEach(() => {
      harness = harnessOf();
      locks = harness.locks;
    });

    it('assertHeld knows that the lease has run out', async () => {
      const lease = await locks.acquire('k', { ttl: ms(ttl) });
      harness.stall?.(ttl + 1);
      expect(() => lease.assertHeld()).toThrow(LeaseLostError);
      expect(lease.signal.aborted).toBe(true);
    });

    it('the lock is granted once, not to everyone who asks', async () => {
      await locks.acquire('k', short);
      harness.stall?.(ttl + 1);
      const granted = (await Promise.all([1, 2, 3].map(() => locks.tryAcquire('k')))).filter((lease) => lease !== null);
      expect(granted).toHaveLength(1);
      await granted[0].release();
    });

    it('whoever waits gets it, not whoever asks first', async () => {
      await locks.acquire('k', short);
      const waiting = locks.acquire('k', { wait: '60s' });
      await harness.advance(0);
      harness.stall?.(ttl + 1);
      expect(await locks.tryAcquire('k')).toBeNull();
      await (await waiting).release();
    });
  });
}
