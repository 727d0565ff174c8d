import { afterEach, describe, expect, it } from '@jest/globals';
import { LoadTimeoutError } from '@strata-cache/core';
import { FakeClock, gate, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, engine, Source, versioned } from './engine-kit.js';
import { failsWith } from './fails-with.js';
import { layers, stage, stale } from './timeline-stage.js';

afterEach(closeAll);

describe.each(Object.entries(layers))('%s', (_name, shared) => {
  it('fresh until ttl, then gone', async () => {
    const { clock, source, read } = await stage(shared, { ttl: '10s' });
    expect(await read()).toBe(0);
    await settle();
    source.change('a');
    await clock.advance(9_998);
    expect(await read()).toBe(0);
    await clock.advance(2);
    expect(await read()).toBe(1);
    expect(source.loads).toBe(2);
  });

  it('stale within grace: served at once while one refresh runs, then the new value', async () => {
    const { cache, source, read } = await stale(shared);
    const held = source.hold();
    expect(await Promise.all([read(), read(), read()])).toEqual([0, 0, 0]);
    await held.arrived();
    await settle();
    expect(source.loads).toBe(2);
    held.open();
    await settle();
    expect(await read()).toBe(1);
    expect(cache.stats()).toMatchObject({ stale: 3, loads: 2, misses: 1 });
  });

  it('gone after ttl + grace: waits for the load', async () => {
    const { clock, read } = await stale(shared);
    await clock.advance(20_001);
    expect(await read()).toBe(1);
  });

  it('a failing load with a stale value at hand: stale, with growing pauses between tries', async () => {
    const { clock, source, read } = await stale(shared, { grace: '10m' });
    source.error = new Error('down');
    const counts: number[] = [];
    for (let second = 0; second < 60; second++) {
      expect(await read()).toBe(0);
      await clock.advance(1_000);
      counts.push(source.loads);
    }
    const tries = counts[59] - 1;
    // Pauses of 1, 2, 4, 8, 16, 30 s, each shortened by at most half.
    expect(tries).toBeGreaterThanOrEqual(5);
    expect(tries).toBeLessThanOrEqual(9);
    source.error = undefined;
    await clock.advance(31_000);
    await read();
    await settle();
    expect(await read()).toBe(1);
  });

  it('a failing load with nothing at hand: the error itself, untouched', async () => {
    const { source, cache } = await stage(shared);
    const error = Object.assign(new Error('down'), { status: 503 });
    source.error = error;
    const reads = await Promise.allSettled([cache.getOrSet('a', source.load), cache.getOrSet('a', source.load)]);
    expect(reads.map((one) => one.status === 'rejected' && one.reason === error)).toEqual([true, true]);
    expect(source.loads).toBe(1);
    source.error = undefined;
    expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
  });

  it('softTimeout: the load is awaited so long, then stale; the load goes on and later readers do not wait', async () => {
    const { clock, source, read } = await stale(shared, { softTimeout: '200ms' });
    const held = source.hold();
    const first = read();
    await held.arrived();
    let answered = false;
    void first.then(() => (answered = true));
    await clock.advance(199);
    expect(answered).toBe(false);
    await clock.advance(2);
    expect(await first).toBe(0);
    if (!shared) {
      expect(await read()).toBe(0);
    }
    held.open();
    await settle();
    expect(await read()).toBe(1);
    expect(source.loads).toBe(2);
  });

  it('softTimeout: a load that is quick enough answers', async () => {
    const { clock, source, read } = await stale(shared, { softTimeout: '200ms' });
    const held = source.hold();
    const first = read();
    await held.arrived();
    await clock.advance(100);
    held.open();
    expect(await first).toBe(1);
  });

  it('hardTimeout: LoadTimeoutError, the signal aborted, the load not joinable afterwards', async () => {
    const { clock, cache, source } = await stage(shared, { hardTimeout: '1s' });
    const held = gate();
    let signal: AbortSignal | undefined;
    const reading = cache.getOrSet('a', async (context) => {
      signal = context.signal;
      await held.pass();
      return { id: 'a', v: 99 };
    });
    const refused = failsWith(reading, LoadTimeoutError);
    await held.arrived();
    await clock.advance(1_001);
    await refused;
    await expect(reading).rejects.toThrow(/versioned.*hardTimeout.*1000 ms/);
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toBeInstanceOf(LoadTimeoutError);
    expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
    held.open();
    await settle();
    expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
    expect(cache.stats()).toMatchObject({ loads: 2, loadErrors: 1 });
  });

  it('hardTimeout with a stale value at hand: stale', async () => {
    const { clock, source, read } = await stale(shared, { softTimeout: '10s', hardTimeout: '1s' });
    source.hold();
    const first = read();
    await settle();
    await clock.advance(1_001);
    expect(await first).toBe(0);
  });

  it('hardTimeout counts the wait for a place', async () => {
    const { clock, cache, source } = await stage(shared, { hardTimeout: '1s', maxConcurrentLoads: 1 });
    const held = source.hold();
    const first = failsWith(cache.getOrSet('a', source.load), LoadTimeoutError);
    await held.arrived();
    await clock.advance(500);
    const second = failsWith(cache.getOrSet('b', source.load), LoadTimeoutError);
    source.hold();
    await clock.advance(501);
    await first;
    await clock.advance(500);
    await second;
  });

  it('refreshAhead: one reload in the background, no reader waits', async () => {
    const { clock, source, read } = await stage(shared, { ttl: '10s', refreshAhead: 0.5 });
    await read();
    await settle();
    source.change('a');
    await clock.advance(4_998);
    expect(await read()).toBe(0);
    await settle();
    expect(source.loads).toBe(1);
    await clock.advance(2);
    const held = source.hold();
    expect(await Promise.all([read(), read()])).toEqual([0, 0]);
    await held.arrived();
    expect(await read()).toBe(0);
    expect(source.loads).toBe(2);
    held.open();
    await settle();
    expect(await read()).toBe(1);
  });

  it('a failing reload ahead keeps the value, and backs off', async () => {
    const { clock, source, read } = await stage(shared, { ttl: '100s', refreshAhead: 0.5 });
    await read();
    await settle();
    await clock.advance(50_000);
    source.error = new Error('down');
    for (let index = 0; index < 5; index++) {
      expect(await read()).toBe(0);
      await settle();
    }
    expect(source.loads).toBe(2);
  });

  it('counts exactly', async () => {
    const { clock, cache, source } = await stage(shared, { ttl: '10s', grace: '10s' });
    const read = (id: string): Promise<unknown> => cache.getOrSet(id, source.load);
    await Promise.all([read('a'), read('a'), read('a')]); // one miss, two joined
    await settle();
    await read('a'); // hit
    await read('a'); // hit
    await cache.getOrSet('n', () => null); // miss
    await settle();
    await cache.getOrSet('n', () => null); // hit, negative
    await clock.advance(10_001);
    await read('a'); // stale, one background load
    await settle();
    source.error = new Error('down');
    await expect(read('b')).rejects.toThrow('down'); // miss, error
    await cache.delete('a'); // invalidation
    await cache.deleteMany(['x', 'y']); // two
    await cache.clear(); // one
    class Thing {}
    await cache.getOrSet('c', () => new Thing() as never); // miss, refused
    await settle();
    expect(cache.stats()).toMatchObject({
      hits: 3,
      l2Hits: 0,
      stale: 1,
      negative: 1,
      misses: 4,
      loads: 5,
      loadErrors: 1,
      joined: 2,
      fenceRejected: 0,
      refused: 1,
      stored: 3,
      invalidations: 4,
      evictions: 0,
      l2Errors: 0,
      unproven: 0,
    });
  });
});

it('jitter shortens ttl by at most its fraction, evenly', async () => {
  const clock = new FakeClock();
  const cache = engine({ clock }).cache(versioned({ ttl: '1000s', jitter: 0.2 }));
  const ttls: number[] = [];
  for (let index = 0; index < 2_000; index++) {
    await cache.set('a', { id: 'a', v: 0 });
    const entry = await cache.entry('a');
    ttls.push(entry!.staleAt - entry!.createdAt);
  }
  expect(Math.max(...ttls)).toBeLessThanOrEqual(1_000_001);
  expect(Math.min(...ttls)).toBeGreaterThanOrEqual(799_999);
  const quarters = [0, 0, 0, 0];
  ttls.forEach((ttl) => quarters[Math.min(3, Math.floor((ttl - 800_000) / 50_000))]++);
  // 500 each; 6 standard deviations of a binomial are about 116.
  quarters.forEach((count) => expect(Math.abs(count - 500)).toBeLessThan(120));
});

describe('close', () => {
  it('waits for background work, then aborts what does not end, and answers whoever waits', async () => {
    const clock = new FakeClock();
    const strata = engine({ clock, l2: sharedMemory() });
    const other = engine({ clock, l2: sharedMemory() });
    await settle();
    const cache = strata.cache(versioned({ maxConcurrentLoads: 1 }));
    const signals: AbortSignal[] = [];
    const never = (id: string): Promise<unknown> =>
      cache.getOrSet(id, (context) => {
        signals.push(context.signal);
        return new Promise(() => undefined);
      });
    const running = failsWith(never('a'), /closing/);
    await settle();
    const queued = failsWith(never('b'), /closing/);
    await settle();
    await cache.delete('a'); // no longer joinable, still to be aborted
    const closing = strata.close();
    await clock.advance(4_999);
    expect(signals.every((signal) => !signal.aborted)).toBe(true);
    await clock.advance(2);
    await Promise.all([running, queued]);
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    await clock.advance(600);
    await closing;
    await strata.close();
    await other.close();
    expect(clock.pending).toBe(0);
  });

  it('lets a fill end', async () => {
    const clock = new FakeClock();
    const store = sharedMemory();
    const strata = engine({ clock, l2: store });
    const source = new Source();
    await strata.cache(versioned()).getOrSet('a', source.load);
    await strata.close();
    expect(store.size).toBe(1);
  });
});
