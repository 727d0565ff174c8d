import { afterEach, describe, expect, it } from '@jest/globals';
import { createStrata, type Bus, type BusHead, type BusSink } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, engine, Source, versioned, type VersionedCache } from './engine-kit.js';

afterEach(closeAll);

/** A bus answered by hand: heads and messages as a broken server would give them. */
class HandBus implements Bus {
  readonly shards = 1;
  head: BusHead = { incarnation: 7, sequence: 10 };
  sink!: BusSink;
  probes: ((head: BusHead) => void)[] = [];
  byHand = false;

  start(sink: BusSink): void {
    this.sink = sink;
    sink.onConnected(0);
  }

  probe(): Promise<BusHead> {
    return this.byHand ? new Promise((resolve) => this.probes.push(resolve)) : Promise.resolve(this.head);
  }

  async publish(): Promise<void> {}

  async close(): Promise<void> {}
}

describe('proofs', () => {
  const open = async (): Promise<{
    clock: FakeClock;
    bus: HandBus;
    cache: VersionedCache;
    source: Source;
    gaps: () => number;
  }> => {
    const clock = new FakeClock();
    const bus = new HandBus();
    const strata = engine({ clock, bus: { kind: 'bus', create: () => bus } });
    await settle();
    const cache = strata.cache(versioned());
    const source = new Source();
    await cache.getOrSet('a', source.load);
    expect(cache.peek('a')).toBeDefined();
    return { clock, bus, cache, source, gaps: () => strata.stats().busGaps };
  };

  it('a head lower than what was known when it was asked for is a rollback', async () => {
    const { clock, bus, cache, gaps } = await open();
    bus.head = { incarnation: 7, sequence: 9 };
    await clock.advance(1_001);
    expect(cache.peek('a')).toBeUndefined();
    expect(gaps()).toBe(1);
  });

  it('a head lower than messages that overtook it is none', async () => {
    const { clock, bus, cache, gaps } = await open();
    bus.byHand = true;
    await clock.advance(1_001);
    bus.sink.onMessage({
      shard: 0,
      incarnation: 7,
      sequence: 11,
      event: { kind: 'keys', keys: ['x'], mode: 'delete' },
    });
    bus.probes[0]({ incarnation: 7, sequence: 10 });
    await settle();
    expect(cache.peek('a')).toBeDefined();
    expect(gaps()).toBe(0);
  });

  it('a message nobody understands drops everything', async () => {
    const { bus, cache } = await open();
    bus.sink.onMessage({ shard: 0, incarnation: 7, sequence: 11, event: undefined });
    expect(cache.peek('a')).toBeUndefined();
  });

  it('a proof counts from when it was asked for', async () => {
    const { clock, bus, cache } = await open();
    bus.byHand = true;
    await clock.advance(1_001);
    await clock.advance(4_500);
    bus.probes[0]({ incarnation: 7, sequence: 10 });
    await settle();
    expect(cache.peek('a')).toBeDefined();
    clock.jump(501);
    expect(cache.peek('a')).toBeUndefined();
  });

  it('a proof asked for before the machine slept proves nothing after', async () => {
    const { clock, bus, cache } = await open();
    bus.byHand = true;
    await clock.advance(1_001);
    clock.sleep(60_000);
    expect(cache.peek('a')).toBeUndefined();
    bus.probes[0]({ incarnation: 7, sequence: 10 });
    await settle();
    expect(cache.peek('a')).toBeUndefined();
    bus.byHand = false;
    await clock.advance(1_001);
    expect(cache.peek('a')).toBeDefined();
  });

  it('a sleep that nobody has noticed when the proof arrives, either', async () => {
    const { clock, bus, cache } = await open();
    bus.byHand = true;
    await clock.advance(1_001);
    clock.sleep(60_000);
    bus.probes[0]({ incarnation: 7, sequence: 10 });
    await settle();
    expect(cache.peek('a')).toBeUndefined();
  });

  it('a probe that is never answered does not stand in the way of the next ones, nor of closing', async () => {
    const { clock, bus, cache } = await open();
    bus.byHand = true;
    await clock.advance(20_000);
    expect(cache.peek('a')).toBeUndefined();
    bus.byHand = false;
    await clock.advance(6_000);
    expect(cache.peek('a')).toBeDefined();
    bus.byHand = true;
    await clock.advance(1_001);
  });

  it('a reconnect asks anew, whatever was asked on the connection before', async () => {
    const { clock, bus, cache } = await open();
    bus.byHand = true;
    await clock.advance(1_001);
    bus.sink.onDisconnected(0);
    bus.byHand = false;
    bus.sink.onConnected(0);
    await settle();
    expect(cache.peek('a')).toBeDefined();
  });
});

it('an engine whose second tier has no word yet answers from the source and closes', async () => {
  const clock = new FakeClock();
  const bus = new HandBus();
  bus.byHand = true;
  const strata = createStrata({
    clock,
    l2: { kind: 'l2', create: (context) => ({ ...sharedMemory().create(context), bus }) },
  });
  const source = new Source();
  await settle();
  expect((await strata.cache(versioned()).getOrSet('a', source.load))?.v).toBe(0);
  await strata.close();
  expect(clock.pending).toBe(0);
});
