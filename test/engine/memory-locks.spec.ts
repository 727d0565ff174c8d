import { describe, expect, it } from '@jest/globals';
import { createStrata, memoryLocks, type Observer } from '@strata-cache/core';
import { FakeClock, sharedMemory } from '@strata-cache/core/testing';
import { locksContract } from '../contract/locks.contract.js';

locksContract(
  'memoryLocks',
  async () => {
    const clock = new FakeClock();
    const locks = memoryLocks().create(clock);
    return {
      locks,
      advance: (ms) => clock.advance(ms),
      stall: (ms) => clock.jump(ms),
      close: () => locks.close(),
    };
  },
  { ttl: 1_000, canStall: true },
);

describe('locks of an engine', () => {
  it('are the same service each time, and are released by close', async () => {
    const clock = new FakeClock();
    const strata = createStrata({ clock });
    expect(strata.locks).toBe(strata.locks);
    const lease = await strata.locks.acquire('k');
    await strata.close();
    expect(() => lease.assertHeld()).toThrow(/released/);
    expect(clock.pending).toBe(0);
  });
});

it('says once that locks beside a shared tier are of this process only', async () => {
  const notices: string[] = [];
  const observer = { notice: ({ name }) => void notices.push(name) } satisfies Observer;
  const strata = createStrata({ l2: sharedMemory(), observer });
  for (let round = 0; round < 2; round++) {
    await strata.locks.withLock('k', () => undefined);
  }
  expect(notices).toEqual(['locks.local']);
  await strata.close();
});
