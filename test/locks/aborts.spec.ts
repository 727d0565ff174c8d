import { describe, expect, it } from '@jest/globals';
import { createStrata, type Observer, type Operation } from '@strata-cache/core';
import { FakeClock, gate } from '@strata-cache/core/testing';
import { LockWaiter } from '../../libs/redis/src/locks/lock-waiter.js';
import { failsWith } from '../engine/fails-with.js';

/** An observer may take its time before it runs what it observes. */
describe('a lock and a signal that is aborted in between', () => {
  /** 1 the signal is looked at, 2 the observer holds the operation up, 3 the signal is aborted, 4 the wait begins: no event will come. */
  it('in process: the wait is cancelled, and nobody is granted the lock', async () => {
    const held = gate();
    let holdUp = false;
    const observer: Observer = {
      around: async <T>({ kind }: Operation, run: () => Promise<T>): Promise<T> => {
        if (holdUp && kind === 'lock.wait') await held.pass();
        return run();
      },
    };
    const { locks } = createStrata({ clock: new FakeClock(), observer });
    const lease = await locks.acquire('k');
    holdUp = true;
    const controller = new AbortController();
    const waiting = [
      failsWith(locks.acquire('k', { signal: controller.signal }), 'enough'),
      failsWith(locks.acquire('free', { signal: controller.signal }), 'enough'),
    ];
    controller.abort(new Error('enough'));
    held.open();
    await Promise.all(waiting);
    expect(locks.stats()).toMatchObject({ held: 1, waiting: 0 });
    await lease.release();
  });

  /** 1 the observer holds the operation up, 2 the engine is closed, 3 the lock is asked for. */
  it('in process: a closed engine grants nothing', async () => {
    const held = gate();
    const around = async <T>({ kind }: Operation, run: () => Promise<T>): Promise<T> => {
      if (kind === 'lock.wait') await held.pass();
      return run();
    };
    const strata = createStrata({ clock: new FakeClock(), observer: { around } });
    const refused = failsWith(strata.locks.acquire('k'), { code: 'ERR_LOCK' });
    await strata.close();
    held.open();
    await refused;
  });

  it('on Redis: it is not even asked for', () => {
    const waiter = new LockWaiter(new FakeClock(), AbortSignal.abort(new Error('enough')));
    expect(() => waiter.throwIfInterrupted()).toThrow('enough');
  });

  it('what is no signal is refused by name', async () => {
    const { locks } = createStrata({ clock: new FakeClock() });
    await failsWith(locks.acquire('k', { signal: {} as never }), /signal: expected an AbortSignal/);
  });
});
