import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryBus } from '@strata-cache/core';
import { ChaosBus, FakeClock, settle } from '@strata-cache/core/testing';
import { closeAll, engine, pair, Source, versioned, type Pair, type VersionedCache } from './engine-kit.js';

afterEach(closeAll);

interface Two extends Pair {
  readonly here: VersionedCache;
  readonly there: VersionedCache;
  readonly source: Source;
}

/** `here` holds version 0 in L1. */
async function warm(options: Parameters<typeof pair>[0] = {}): Promise<Two> {
  const two = await pair(options);
  const definition = versioned();
  const [here, there] = two.stratas.map((strata) => strata.cache(definition));
  const source = new Source();
  source.tags = ['t'];
  await here.getOrSet('a', source.load);
  await settle();
  return { ...two, here, there, source };
}

const read = async ({ here, source }: Two): Promise<number | undefined> => (await here.getOrSet('a', source.load))?.v;

describe('bounded staleness over a second tier', () => {
  it('a message reaches L1 at once', async () => {
    const two = await warm();
    two.source.change('a');
    await two.there.delete('a');
    expect(two.here.peek('a')).toBeUndefined();
    expect(await read(two)).toBe(1);
  });

  it('a silent, half-open bus: served until maxStaleness, not after, and again once it is back', async () => {
    const two = await warm();
    two.buses[0].silence();
    two.source.change('a');
    await two.there.delete('a');
    await two.clock.advance(4_000);
    expect(await read(two)).toBe(0);
    await two.clock.advance(1_001);
    expect(await read(two)).toBe(1);
    two.buses[0].silence(false);
    await two.clock.advance(6_000);
    expect(two.stratas[0].stats().busGaps).toBe(1);
    const { hits } = two.here.stats();
    await read(two);
    await settle();
    await read(two);
    expect(two.here.stats().hits).toBeGreaterThan(hits);
  });

  it('a lost message is noticed by the next heartbeat', async () => {
    const two = await warm();
    two.buses[0].dropNext();
    two.source.change('a');
    await two.there.delete('a');
    expect(await read(two)).toBe(0);
    await two.clock.advance(1_001);
    expect(await read(two)).toBe(1);
    expect(two.stratas[0].stats().busGaps).toBe(1);
  });

  it('a lost message is noticed by the next message', async () => {
    const two = await warm();
    two.buses[0].dropNext();
    two.source.change('a');
    await two.there.delete('a');
    await two.there.delete('unrelated');
    expect(await read(two)).toBe(1);
  });

  it('reordered messages end in the same state', async () => {
    const two = await warm();
    two.buses[0].hold();
    two.source.change('a');
    await two.there.delete('a');
    await two.there.delete('b');
    two.buses[0].release((held) => held.toReversed());
    expect(await read(two)).toBe(1);
  });

  it('a broken subscription makes L1 suspect at once; what was missed is noticed when it is back', async () => {
    const two = await warm();
    two.buses[0].disconnect();
    two.source.change('a');
    await two.there.delete('a');
    expect(await read(two)).toBe(1);
    await settle();
    two.buses[0].reconnect();
    await settle();
    expect(await read(two)).toBe(1);
    await settle();
    expect(two.here.peek('a')?.v).toBe(1);
  });

  it('a reconnect without a loss keeps L1', async () => {
    const two = await warm();
    two.buses[0].disconnect();
    expect(two.here.peek('a')).toBeUndefined();
    two.buses[0].reconnect();
    await settle();
    expect(two.here.peek('a')?.v).toBe(0);
    expect(two.stratas[0].stats().busGaps).toBe(0);
  });

  it('a lost history (another incarnation) drops L1', async () => {
    const two = await warm();
    two.store.flush();
    two.source.change('a');
    expect(await read(two)).toBe(0);
    await two.clock.advance(1_001);
    expect(await read(two)).toBe(1);
  });

  it('a process that was stopped serves nothing from L1 before it has caught up', async () => {
    const two = await warm();
    two.buses[0].hold();
    two.source.change('a');
    await two.there.delete('a');
    two.clock.jump(10_000);
    expect(await read(two)).toBe(1);
    two.buses[0].release();
  });

  it('nor does it join what was asked for before the stop', async () => {
    const two = await warm();
    const held = two.source.hold();
    const before = two.here.getOrSet('b', two.source.load);
    await held.arrived();
    two.buses[0].silence();
    two.source.change('b');
    await two.there.delete('b');
    two.clock.jump(10_000);
    const after = two.here.getOrSet('b', two.source.load);
    await settle();
    held.open();
    expect((await before)?.v).toBe(0);
    expect((await after)?.v).toBe(1);
  });

  it('a machine that slept serves nothing from L1 before it has caught up, not even on a proof asked for before', async () => {
    const two = await warm();
    two.buses[0].hold();
    two.source.change('a');
    await two.there.delete('a');
    two.clock.sleep(60_000);
    two.clock.jump(1);
    expect(two.here.peek('a')).toBeUndefined();
    expect(await read(two)).toBe(1);
  });

  it('past the bound with the second tier away: bypass loads, with single flight', async () => {
    const two = await warm();
    two.buses[0].silence();
    two.tiers[0].down();
    await two.clock.advance(6_000);
    two.source.change('a');
    const reads = await Promise.all(Array.from({ length: 50 }, () => read(two)));
    expect(new Set(reads)).toEqual(new Set([1]));
    expect(two.source.loads).toBe(2);
  });

  describe("whenDisconnected: 'serve'", () => {
    it('goes on serving L1, counted', async () => {
      const two = await warm({ whenDisconnected: 'serve' });
      two.buses[0].silence();
      two.tiers[0].down();
      await two.clock.advance(6_000);
      two.source.change('a');
      expect(await read(two)).toBe(0);
      expect(two.here.stats().unproven).toBe(1);
    });

    it('but not to a coherent call, nor what was expired or deleted here, nor what is past its ttl', async () => {
      const two = await warm({ whenDisconnected: 'serve' });
      two.buses[0].silence();
      two.tiers[0].down();
      await two.clock.advance(6_000);
      two.source.change('a');
      expect((await two.here.getOrSet('a', two.source.load, { consistency: 'coherent' }))?.v).toBe(1);
      two.source.change('a');
      await two.here.expire('a');
      expect(await read(two)).toBe(2);
      two.source.change('a');
      await two.here.delete('a');
      expect(await read(two)).toBe(3);
      two.source.change('a');
      await two.stratas[0].invalidateTags(['t']);
      expect(await read(two)).toBe(4);
      two.source.change('a');
      await two.clock.advance(61_000);
      expect(await read(two)).toBe(5);
    });
  });
});

describe('bounded staleness on a bus alone', () => {
  const two = async (): Promise<{
    clock: FakeClock;
    chaos: ChaosBus;
    here: VersionedCache;
    there: VersionedCache;
    source: Source;
  }> => {
    const clock = new FakeClock();
    const chaos = new ChaosBus(memoryBus());
    const definition = versioned();
    const [here, there] = [1, 2].map(() => engine({ clock, bus: chaos }).cache(definition));
    await settle();
    return { clock, chaos, here, there, source: new Source() };
  };

  it('a write anywhere reaches every L1', async () => {
    const { here, there, source } = await two();
    await here.getOrSet('a', source.load);
    const v = source.change('a');
    await there.set('a', { id: 'a', v });
    expect((await here.getOrSet('a', source.load))?.v).toBe(v);
    expect(there.peek('a')?.v).toBe(v);
  });

  it('a silent bus: not served past the bound', async () => {
    const { clock, chaos, here, there, source } = await two();
    await here.getOrSet('a', source.load);
    chaos.silence();
    source.change('a');
    await there.delete('a');
    await clock.advance(5_001);
    expect((await here.getOrSet('a', source.load))?.v).toBe(1);
  });

  it('own messages do not undo what they announce', async () => {
    const { here, source } = await two();
    await here.put('a', () => source.load(undefined, 'a'));
    expect(here.peek('a')?.v).toBe(0);
  });
});
