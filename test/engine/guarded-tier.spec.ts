import { afterEach, describe, expect, it } from '@jest/globals';
import { TierError } from '@strata-cache/core';
import { settle } from '@strata-cache/core/testing';
import { closeAll, notices, pair, Source, versioned } from './engine-kit.js';

afterEach(closeAll);

describe('invalidations the second tier did not acknowledge', () => {
  it('are reported, dropped from L1, not read from the tier, sent first, once', async () => {
    const { stratas, tiers, clock, buses } = await pair();
    const definition = versioned();
    const [here, there] = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    await here.getOrSet('a', source.load);
    await settle();
    await there.getOrSet('a', source.load);
    source.change('a');
    tiers[0].failNext('invalidateKeys', 3);
    expect(await here.delete('a')).toEqual({ acknowledged: false });
    expect(await here.delete('a')).toEqual({ acknowledged: false });
    expect(stratas[0].stats().unsent).toBe(1);
    // The tier still has the old value; here nobody gets it, there it is what the tier says.
    expect((await here.getOrSet('a', source.load))?.v).toBe(1);
    expect((await there.getOrSet('a', source.load))?.v).toBe(0);
    // Other keys are read as ever.
    expect((await here.getOrSet('b', source.load))?.v).toBe(0);
    await settle();
    expect(tiers[0].calls.fill).toBe(2);
    await clock.advance(101);
    expect(stratas[0].stats().unsent).toBe(1);
    await clock.advance(1_000);
    expect(stratas[0].stats().unsent).toBe(0);
    expect((await there.getOrSet('a', source.load))?.v).toBe(1);
    expect(buses[1].isSilent).toBe(false);
  });

  it.each([
    ['a tag', (strata: { invalidateTags(tags: string[]): Promise<unknown> }) => strata.invalidateTags(['t'])],
    ['a clear', (strata: { clear(): Promise<unknown> }) => strata.clear()],
  ] as const)('%s: nothing is read from the tier until it was sent', async (_what, invalidate) => {
    const { stratas, tiers, clock } = await pair();
    const here = stratas[0].cache(versioned());
    const source = new Source();
    source.tags = ['t'];
    await here.getOrSet('a', source.load);
    await settle();
    source.change('a');
    tiers[0].failNext('invalidateTags');
    tiers[0].failNext('clear');
    expect(await invalidate(stratas[0])).toEqual({ acknowledged: false });
    const { read } = tiers[0].calls;
    expect((await here.getOrSet('a', source.load))?.v).toBe(1);
    expect(tiers[0].calls.read).toBe(read);
    await clock.advance(101);
    await settle();
    source.change('c');
    expect((await here.getOrSet('c', source.load))?.v).toBe(1);
    expect(tiers[0].calls.read).toBeGreaterThan(read!);
  });

  it('a late reply: sent again, harmless', async () => {
    const { stratas, tiers, clock } = await pair();
    const here = stratas[0].cache(versioned());
    tiers[0].failNext('invalidateKeys', 1, 'late');
    expect(await here.delete('a')).toEqual({ acknowledged: false });
    await clock.advance(101);
    expect(stratas[0].stats().unsent).toBe(0);
    expect(tiers[0].calls.invalidateKeys).toBe(2);
  });

  it('more than 10,000 are folded into one clear', async () => {
    const { stratas, tiers, clock, store } = await pair();
    const here = stratas[0].cache(versioned());
    const source = new Source();
    await here.getOrSet('kept', source.load);
    await settle();
    expect(store.size).toBe(1);
    tiers[0].down();
    await here.deleteMany(Array.from({ length: 10_001 }, (_, index) => `k${index}`));
    expect(stratas[0].stats().unsent).toBe(1);
    tiers[0].up();
    await clock.advance(1_100);
    expect(stratas[0].stats().unsent).toBe(0);
    expect(tiers[0].calls.clear).toBe(1);
    source.change('kept');
    expect((await here.getOrSet('kept', source.load))?.v).toBe(1);
  });

  it('are coalesced, a delete outranks an expire', async () => {
    const { stratas, tiers, clock } = await pair();
    const cache = stratas[0].cache(versioned({ grace: '1h' }));
    const source = new Source();
    await cache.getOrSet('a', source.load);
    await settle();
    tiers[0].down();
    await cache.delete('a');
    await cache.expire('a');
    expect(stratas[0].stats().unsent).toBe(1);
    tiers[0].up();
    await clock.advance(2_000);
    expect(await stratas[1].cache(versioned({ grace: '1h' })).entry('a')).toBeUndefined();
  });

  it('strict: TierError, and kept all the same', async () => {
    const { stratas, tiers, clock } = await pair({ strict: true });
    const cache = stratas[0].cache(versioned());
    tiers[0].failNext('invalidateKeys');
    await expect(cache.delete('a')).rejects.toBeInstanceOf(TierError);
    expect(stratas[0].stats().unsent).toBe(1);
    await clock.advance(101);
    expect(stratas[0].stats().unsent).toBe(0);
  });

  it('strict is the default in coherent mode; a put never fails for it', async () => {
    const { stratas, tiers } = await pair({ consistency: 'coherent' });
    const cache = stratas[0].cache(versioned());
    tiers[0].down();
    await expect(stratas[0].invalidateTags(['t'])).rejects.toMatchObject({ code: 'ERR_CACHE_TIER' });
    await expect(cache.put('a', () => Promise.resolve({ id: 'a', v: 1 }))).resolves.toEqual({ id: 'a', v: 1 });
    tiers[0].up();
  });

  it('a set that could not be sent deletes', async () => {
    const { stratas, tiers, clock } = await pair();
    const [here, there] = stratas.map((strata) => strata.cache(versioned({ version: 1 })));
    await here.set('a', { id: 'a', v: 1 });
    tiers[0].failNext('put');
    expect(await here.set('a', { id: 'a', v: 2 })).toEqual({ acknowledged: false });
    await clock.advance(101);
    expect(await there.get('a')).toBeUndefined();
  });

  it('are sent at close', async () => {
    const { stratas, tiers } = await pair();
    const [here, there] = stratas.map((strata) => strata.cache(versioned()));
    const source = new Source();
    await there.getOrSet('a', source.load);
    await settle();
    tiers[0].failNext('invalidateKeys');
    await here.delete('a');
    await stratas[0].close();
    expect(there.peek('a')).toBeUndefined();
    expect(await there.get('a')).toBeUndefined();
  });
});

describe('the breaker', () => {
  it('opens on failures, says so once, asks nothing while open, and closes by its own probe', async () => {
    const { seen, observer } = notices();
    const { stratas, tiers, clock } = await pair({ observer });
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    tiers[0].down();
    for (let index = 0; index < 10; index++) {
      await cache.getOrSet(`k${index}`, source.load);
    }
    expect(stratas[0].stats().breaker).toBe('open');
    const calls = { ...tiers[0].calls };
    await cache.getOrSet('more', source.load);
    expect(tiers[0].calls).toEqual(calls);
    // Nobody reads; it probes by itself.
    await clock.advance(500);
    expect(tiers[0].calls.read).toBeGreaterThan(calls.read!);
    expect(tiers[0].calls.lease).toBe(calls.lease);
    tiers[0].up();
    await clock.advance(1_000);
    expect(stratas[0].stats().breaker).toBe('closed');
    expect(seen.map((notice) => notice.name)).toEqual(['l2.breaker.open', 'l2.breaker.closed']);
    expect(source.loads).toBe(11);
  });

  it('opens on slowness', async () => {
    const { stratas, tiers, clock } = await pair();
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    tiers[0].hold('read');
    const reads = Promise.all(Array.from({ length: 10 }, (_, index) => cache.getOrSet(`k${index}`, source.load)));
    await clock.advance(300);
    tiers[0].release('read');
    await reads;
    expect(stratas[0].stats().breaker).toBe('open');
    await clock.advance(2_000);
    expect(stratas[0].stats().breaker).toBe('closed');
  });

  it('invalidations while it is open are kept at once, and sent when the tier is back', async () => {
    const { stratas, tiers, clock } = await pair();
    const [here, there] = stratas.map((strata) => strata.cache(versioned()));
    const source = new Source();
    await there.getOrSet('a', source.load);
    await settle();
    tiers[0].down();
    for (let index = 0; index < 10; index++) {
      await here.getOrSet(`k${index}`, source.load);
    }
    const calls = tiers[0].calls.invalidateKeys;
    expect(await here.delete('a')).toEqual({ acknowledged: false });
    expect(tiers[0].calls.invalidateKeys).toBe(calls);
    tiers[0].up();
    await clock.advance(2_000);
    expect(stratas[0].stats().unsent).toBe(0);
    expect(await there.get('a')).toBeUndefined();
  });
});
