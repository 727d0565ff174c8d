import { afterEach, describe, expect, it } from '@jest/globals';
import { defineCache, type CacheDefinition } from '@strata-cache/core';
import { ChaosTier, FakeClock, gate, settle, sharedMemory } from '@strata-cache/core/testing';
import { otelObserver } from '@strata-cache/otel';
import { closeAll, engine } from '../engine/engine-kit.js';
import { Collector } from './collector.js';

const cache = (more: object = {}): CacheDefinition<[id: string], string> =>
  defineCache<[id: string], string>({
    name: 'item',
    version: 1,
    owner: 'Test',
    key: (id) => id,
    ttl: '1h',
    jitter: 0,
    ...more,
  });

describe('metrics of states', () => {
  afterEach(closeAll);

  it('what the owner expects, until the engine is closed', async () => {
    const collector = new Collector();
    const strata = engine({ observer: otelObserver({ meter: collector.meter }) });
    strata.cache(cache({ expectedHitRatio: 0.8 }));
    expect(await collector.collect()).toMatchObject({ 'strata.expected.hit.ratio{cache=item}': 0.8 });
    await strata.close();
    // Read no more; the SDK goes on telling the last value of what it has once seen.
    strata.cache(cache({ name: 'late', expectedHitRatio: 0.5 }));
    expect(Object.keys(await collector.collect())).toEqual(['strata.expected.hit.ratio{cache=item}']);
  });

  it('hits past the bound', async () => {
    const collector = new Collector();
    const clock = new FakeClock();
    const tier = new ChaosTier(sharedMemory());
    const observer = otelObserver({ meter: collector.meter });
    const items = engine({ clock, l2: tier, whenDisconnected: 'serve', observer }).cache(cache());
    await clock.advance(10);
    await items.getOrSet('1', async () => 'one');
    clock.jump(6_000);
    tier.down();
    expect(await items.getOrSet('1', async () => 'no')).toBe('one');
    expect(await collector.collect()).toMatchObject({
      'strata.unproven{cache=item}': 1,
      'strata.lookups{cache=item,tier=l1,outcome=hit}': 1,
      'strata.bus.heartbeat.age.seconds': 6.01,
    });
  });

  it('locks held and waited for', async () => {
    const collector = new Collector();
    const { locks } = engine({ observer: otelObserver({ meter: collector.meter }) });
    const stop = gate();
    const held = locks.withLock('a', () => stop.pass());
    await stop.arrived();
    const waiting = locks.acquire('a');
    await settle();
    expect(await collector.collect()).toMatchObject({ 'strata.locks.held': 1, 'strata.locks.waiting': 1 });
    stop.open();
    await held;
    await (await waiting).release();
    const after = await collector.collect();
    expect([after['strata.locks.held'], after['strata.locks.waiting']]).toEqual([undefined, undefined]);
  });

  it('two engines of one observer are told apart', async () => {
    const collector = new Collector();
    const observer = otelObserver({ meter: collector.meter });
    for (const namespace of ['one', 'two']) {
      await engine({ namespace, observer })
        .cache(cache())
        .getOrSet(namespace, async () => 'x');
    }
    const values = await collector.collect([]);
    expect(values['strata.loads{engine=one,cache=item}']).toBe(1);
    expect(values['strata.loads{engine=two,cache=item}']).toBe(1);
  });
});
