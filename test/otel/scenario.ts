import { expect } from '@jest/globals';
import { defineCache, memoryBus, memoryTier, type Cache, type Observer, type Strata } from '@strata-cache/core';
import { ChaosBus, ChaosTier, FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { otelObserver } from '@strata-cache/otel';
import { engine } from '../engine/engine-kit.js';
import { Collector, type Values } from './collector.js';

export type Item = string | null;
export const definition = defineCache<[id: string], Item>({
  name: 'item',
  version: 1,
  owner: 'Test',
  key: (id) => id,
  ttl: '1m',
  grace: '1h',
  jitter: 0,
  negativeTtl: '10s',
  tags: (value) => (value === 'tagged' ? ['tag'] : []),
});

export const clock = new FakeClock();
const store = sharedMemory();

function instance(observer?: Observer): {
  strata: Strata;
  cache: Cache<[id: string], Item>;
  tier: ChaosTier;
  bus: ChaosBus;
} {
  const tier = new ChaosTier(store);
  const bus = new ChaosBus(memoryBus());
  const l2 = {
    kind: 'l2' as const,
    create: (context: Parameters<typeof tier.create>[0]) => {
      const parts = tier.create(context);
      return { ...parts, bus: bus.wrap(parts.bus) };
    },
  };
  const strata = engine({ namespace: 'test', clock, l2, l1: memoryTier({ maxEntries: 20, policy: 'lru' }), observer });
  return { strata, cache: strata.cache(definition), tier, bus };
}

export const collector = new Collector();
export const one = instance(otelObserver({ meter: collector.meter }));
export const other = instance();
export const { strata, cache } = one;

/** A loader that takes 40 ms. */
export const load = async (value: Item): Promise<Item> => {
  clock.jump(40);
  return value;
};
/** The metrics that have moved so far. */
export const seen = new Set<string>();

/** What a step changes, all of it; gauges of time, bytes and estimates are looked at by themselves. */
export async function changes(): Promise<Values> {
  await settle();
  const all = Object.entries(await collector.changes());
  for (const [name] of all) seen.add(name.replace(/\{.*/, ''));
  return Object.fromEntries(all.filter(([name]) => !/^strata\.(bus\.(lag|heartbeat)|l1\.bytes|distinct)/.test(name)));
}

export const CALL = (operation: string, count = 1): Values => ({
  [`strata.l2.calls{operation=${operation},outcome=ok}`]: count,
  [`strata.l2.duration.seconds{operation=${operation},outcome=ok}`]: count,
});
export const FAILED = (operation: string, count = 1): Values => ({
  [`strata.l2.calls{operation=${operation},outcome=error}`]: count,
  [`strata.l2.duration.seconds{operation=${operation},outcome=error}`]: count,
});
export const LOADED: Values = {
  'strata.loads{cache=item}': 1,
  'strata.load.duration.seconds{cache=item,outcome=ok}': 1,
};
export const MISSED: Values = { 'strata.lookups{cache=item,tier=none,outcome=miss}': 1 };
export const FILLED = (bytes: number, count = 1): Values => ({
  'strata.stored{cache=item}': count,
  'strata.l2.written.bytes{cache=item}': bytes,
});
export const hits = (tier: string, outcome: string, count = 1): Values => ({
  [`strata.lookups{cache=item,tier=${tier},outcome=${outcome}}`]: count,
  // Every load so far took 40 ms.
  'strata.saved.seconds{cache=item}': expect.closeTo(0.04 * count, 6) as unknown as number,
});
export const entries = (count: number): Values => ({ 'strata.l1.entries': count });
