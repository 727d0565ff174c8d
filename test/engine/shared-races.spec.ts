import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock, gate, settle, sharedMemory, type Gate } from '@strata-cache/core/testing';
import { closeAll, engine, pair, Source, versioned, type Versioned } from './engine-kit.js';
import { steppedTier, type Step } from './stepped-tier.js';
import { failsWith } from './fails-with.js';

afterEach(closeAll);

/** Stops steps whose label starts like one of `stops` at a gate. */
function stepper(): { readonly step: Step; stop(label: string): Gate } {
  const stops = new Map<string, Gate>();
  return {
    step: async (label) => {
      const stopped = [...stops].find(([prefix]) => label.startsWith(prefix));
      if (stopped !== undefined) {
        stops.delete(stopped[0]);
        await stopped[1].pass();
      }
    },
    stop: (label) => {
      const held = gate();
      stops.set(label, held);
      return held;
    },
  };
}

describe('a copy from the second tier to L1', () => {
  it.each([
    ['key', (cache: { delete(id: string): Promise<unknown> }) => cache.delete('a')],
    ['cache', (cache: { clear(): Promise<unknown> }) => cache.clear()],
  ])('is not made when the %s was invalidated after the read', async (_what, invalidate) => {
    const clock = new FakeClock();
    const store = sharedMemory();
    const { step, stop } = stepper();
    const here = engine({ clock, l2: steppedTier(store, 'here', step) });
    const there = engine({ clock, l2: store });
    await settle();
    const definition = versioned();
    const [reader, writer] = [here.cache(definition), there.cache(definition)];
    const source = new Source();
    await writer.getOrSet('a', source.load);
    await settle();
    const reply = stop('here read <');
    const reading = reader.getOrSet('a', source.load);
    await reply.arrived();
    source.change('a');
    await invalidate(writer);
    reply.open();
    expect((await reading)?.v).toBe(0);
    expect(reader.peek('a')).toBeUndefined();
    expect((await reader.getOrSet('a', source.load))?.v).toBe(1);
  });

  it('dies with the message when the fill was refused before the message came', async () => {
    const clock = new FakeClock();
    const store = sharedMemory();
    const { step, stop } = stepper();
    const here = engine({ clock, l2: steppedTier(store, 'here', step) });
    const there = engine({ clock, l2: store });
    await settle();
    const definition = versioned();
    const [reader, writer] = [here.cache(definition), there.cache(definition)];
    const source = new Source();
    const message = stop('here bus');
    const held = source.hold();
    const reading = reader.getOrSet('a', source.load);
    await held.arrived();
    source.change('a');
    await writer.delete('a');
    held.open();
    expect((await reading)?.v).toBe(0);
    await settle();
    expect(message.arrivals).toBe(1);
    expect(reader.peek('a')).toBeUndefined();
    expect(reader.stats().fenceRejected).toBe(1);
    message.open();
  });

  it('never outlives its original, however late the answer comes', async () => {
    const clock = new FakeClock();
    const store = sharedMemory();
    const { step, stop } = stepper();
    const here = engine({ clock, l2: steppedTier(store, 'here', step), maxStaleness: '1h' });
    const there = engine({ clock, l2: store });
    await settle();
    const definition = versioned({ ttl: '10s' });
    const [reader, writer] = [here.cache(definition), there.cache(definition)];
    const source = new Source();
    await writer.getOrSet('a', source.load);
    await settle();
    const reply = stop('here read <');
    const reading = reader.getOrSet('a', source.load);
    await reply.arrived();
    clock.jump(8_000);
    reply.open();
    await reading;
    expect(reader.peek('a')).toBeDefined();
    clock.jump(2_001);
    expect(reader.peek('a')).toBeUndefined();
  });
});

describe('one load for several instances', () => {
  it('the second instance waits for the first, and takes its value', async () => {
    const { stratas } = await pair();
    const definition = versioned();
    const caches = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    const held = source.hold();
    const reads = caches.flatMap((cache) => Array.from({ length: 100 }, () => cache.getOrSet('a', source.load)));
    await held.arrived();
    await settle();
    held.open();
    expect((await Promise.all(reads)).every((value) => value?.v === 0)).toBe(true);
    expect(source.loads).toBe(1);
  });

  it('a loader that takes three leases is still the only one', async () => {
    const { stratas, clock } = await pair();
    const definition = versioned();
    const caches = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    const held = source.hold();
    const reads = caches.map((cache) => cache.getOrSet('a', source.load));
    await held.arrived();
    await clock.advance(6_500);
    held.open();
    await clock.advance(500);
    expect((await Promise.all(reads)).map((value) => value?.v)).toEqual([0, 0]);
    expect(source.loads).toBe(1);
  });

  it('a failed load wakes the other instance, which loads by itself', async () => {
    const { stratas, clock } = await pair();
    const definition = versioned();
    const caches = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    const held = source.hold();
    source.error = new Error('down');
    const first = failsWith(caches[0].getOrSet('a', source.load), 'down');
    await held.arrived();
    source.error = undefined;
    const second = caches[1].getOrSet('a', source.load);
    await settle();
    held.open();
    await first;
    await clock.advance(1);
    expect((await second)?.v).toBe(0);
    expect(source.loads).toBe(2);
  });

  it('a lost wake-up costs a poll, not an answer', async () => {
    const { stratas, clock, tiers } = await pair();
    const definition = versioned();
    const caches = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    const held = source.hold();
    const first = caches[0].getOrSet('a', source.load);
    await held.arrived();
    tiers[1].hold('waitForWake');
    const second = caches[1].getOrSet('a', source.load);
    await settle();
    held.open();
    await first;
    await settle();
    tiers[1].release('waitForWake');
    await clock.advance(400);
    expect((await second)?.v).toBe(0);
    expect(source.loads).toBe(1);
  });
});

it('two instances that load crosswise, A -> B and B -> A, do not wait for each other for long', async () => {
  const { stratas, clock } = await pair();
  const definition = versioned();
  const [one, other] = stratas.map((strata) => strata.cache(definition));
  const source = new Source();
  const gates = [source.hold(), source.hold()];
  const crosswise = (cache: typeof one, own: string, inner: string): Promise<Versioned | null> =>
    cache.getOrSet(own, async (context, id) => {
      await source.load(context, id);
      return cache.getOrSet(inner, () => ({ id: inner, v: 7 }));
    });
  const both = Promise.all([crosswise(one, 'a', 'b'), crosswise(other, 'b', 'a')]);
  await Promise.all(gates.map((held) => held.arrived()));
  gates.forEach((held) => held.open());
  await clock.advance(3_000);
  expect((await both).map((value) => value?.v)).toEqual([7, 7]);
});

describe('coherent mode', () => {
  it('a read that starts after the acknowledgement on another instance is never older, though no message arrives', async () => {
    const { stratas, buses } = await pair({ consistency: 'coherent' });
    const definition = versioned();
    const [here, there] = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    source.tags = ['t'];
    await here.getOrSet('a', source.load);
    await settle();
    buses[0].silence();
    for (const invalidate of [
      () => there.delete('a'),
      () => stratas[1].invalidateTags(['t']),
      () => there.clear(),
      () => stratas[1].clear(),
      () => there.put('a', () => source.load(undefined, 'a')),
    ]) {
      const v = source.change('a');
      await invalidate();
      expect((await here.getOrSet('a', source.load))?.v).toBe(v);
      await settle();
      expect((await here.getOrSet('a', source.load))?.v).toBe(v);
      await settle();
    }
  });

  it('an unchanged value is confirmed, not moved: the same object is answered', async () => {
    const { stratas } = await pair({ consistency: 'coherent' });
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    const first = await cache.getOrSet('a', source.load);
    await settle();
    expect(await cache.getOrSet('a', source.load)).toBe(first);
    expect(cache.stats()).toMatchObject({ hits: 0, l2Hits: 1, loads: 1 });
  });

  it('a per-call coherent read of a bounded cache asks the second tier', async () => {
    const { stratas, buses } = await pair();
    const definition = versioned();
    const [here, there] = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    await here.getOrSet('a', source.load);
    await settle();
    buses[0].silence();
    const v = source.change('a');
    await there.delete('a');
    expect((await here.getOrSet('a', source.load))?.v).toBe(0);
    expect((await here.getOrSet('a', source.load, { consistency: 'coherent' }))?.v).toBe(v);
  });

  it('a caller whose group has left does not take later callers with it', async () => {
    const { stratas } = await pair({ consistency: 'coherent' });
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    const held = source.hold();
    const first = cache.getOrSet('a', source.load);
    await held.arrived();
    const controller = new AbortController();
    const left = failsWith(cache.getOrSet('a', source.load, { signal: controller.signal }), 'left');
    controller.abort(new Error('left'));
    await left;
    const last = cache.getOrSet('a', source.load);
    held.open();
    expect([(await first)?.v, (await last)?.v]).toEqual([0, 0]);
  });
});

it('a reader without a loader sees what another instance has refreshed, and the stale value while nobody has', async () => {
  const { stratas, clock, tiers } = await pair();
  const definition = versioned({ ttl: '10s', grace: '10m' });
  const [reader, writer] = stratas.map((strata) => strata.cache(definition));
  const source = new Source();
  await writer.getOrSet('a', source.load);
  await settle();
  expect((await reader.get('a'))?.v).toBe(0);
  await clock.advance(11_000);
  source.change('a');
  expect((await reader.get('a'))?.v).toBe(0);
  await writer.getOrSet('a', source.load);
  await settle();
  expect((await reader.get('a'))?.v).toBe(1);
  await clock.advance(11_000);
  tiers[0].down();
  expect((await reader.get('a'))?.v).toBe(1);
  tiers[0].up();
});

describe('refresh ahead over a second tier', () => {
  it('reloads an entry once, on one of the instances, and no reader waits', async () => {
    const { stratas, clock } = await pair();
    const definition = versioned({ ttl: '10s', refreshAhead: 0.5 });
    const caches = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    await caches[0].getOrSet('a', source.load);
    await settle();
    await caches[1].getOrSet('a', source.load);
    await clock.advance(6_000);
    source.change('a');
    const held = source.hold();
    for (const cache of caches) {
      expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
    }
    await held.arrived();
    expect((await caches[0].getOrSet('a', source.load))?.v).toBe(0);
    held.open();
    await settle();
    expect(source.loads).toBe(2);
    expect((await caches[0].getOrSet('a', source.load))?.v).toBe(1);
    await caches[1].getOrSet('a', source.load);
    await settle();
    expect((await caches[1].getOrSet('a', source.load))?.v).toBe(1);
    expect(source.loads).toBe(2);
  });
});
