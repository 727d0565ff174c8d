import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { gate, settle } from '@strata-cache/core/testing';
import { METRICS } from '@strata-cache/otel';
import { closeAll } from '../engine/engine-kit.js';
import {
  cache,
  CALL,
  changes,
  clock,
  collector,
  definition,
  entries,
  FAILED,
  FILLED,
  hits,
  load,
  LOADED,
  MISSED,
  one,
  other,
  seen,
  strata,
} from './scenario.js';

afterEach(() => settle());
afterAll(async () => {
  await closeAll();
  await collector.close();
});

describe('a scripted scenario: each step changes exactly these metrics', () => {
  it('two instances attach', async () => {
    await clock.advance(10);
    await changes();
  });

  it('a miss: read, lease, load, fill', async () => {
    await cache.getOrSet('1', () => load('one'));
    expect(await changes()).toEqual({
      ...MISSED,
      ...LOADED,
      ...FILLED(5),
      ...entries(1),
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('fill'),
    });
  });

  it('three hits in L1', async () => {
    for (let time = 0; time < 3; time++) await cache.getOrSet('1', () => load('no'));
    expect(await changes()).toEqual(hits('l1', 'hit', 3));
  });

  it('a hit in the second tier', async () => {
    await other.cache.getOrSet('2', async () => 'two');
    await settle(); // the fill goes on behind the answer
    await cache.getOrSet('2', () => load('no'));
    expect(await changes()).toEqual({ ...hits('l2', 'hit'), ...entries(1), ...CALL('read') });
  });

  it('"not found", remembered by the second tier and then by L1', async () => {
    await other.cache.getOrSet('none', async () => null);
    await settle();
    await cache.getOrSet('none', () => load('no'));
    expect(await changes()).toEqual({ ...hits('l2', 'negative'), ...entries(1), ...CALL('read') });
    await cache.getOrSet('none', () => load('no'));
    expect(await changes()).toEqual(hits('l1', 'negative'));
  });

  it('three callers of one cold key', async () => {
    const stop = gate();
    const callers = Array.from({ length: 3 }, () =>
      cache.getOrSet('join', async () => {
        await stop.pass();
        return load('joined');
      }),
    );
    await stop.arrived();
    expect(await changes()).toMatchObject({ 'strata.in.flight': 1 });
    stop.open();
    await Promise.all(callers);
    const { 'strata.in.flight': _, ...rest } = await changes();
    expect(rest).toMatchObject({ ...FILLED(8), ...CALL('fill') });
    expect(strata.cache(definition).stats()).toMatchObject({ joined: 2, misses: 2, loads: 2 });
  });

  it("another instance's load, waited for", async () => {
    const stop = gate();
    const loading = other.cache.getOrSet('lease', async () => {
      await stop.pass();
      return 'theirs';
    });
    await stop.arrived();
    const waiting = cache.getOrSet('lease', () => load('no'));
    await settle();
    stop.open();
    await loading;
    await clock.advance(300);
    expect(await waiting).toBe('theirs');
    const { 'strata.l2.calls{operation=read,outcome=ok}': reads, ...rest } = await changes();
    expect(reads).toBeGreaterThanOrEqual(2);
    expect(rest).toMatchObject({
      ...MISSED,
      'strata.joined{cache=item,at=lease}': 1,
      'strata.lookups{cache=item,tier=l2,outcome=hit}': 1,
    });
    expect(rest['strata.loads{cache=item}']).toBeUndefined();
  });

  it('a load that fails', async () => {
    await expect(cache.getOrSet('bad', async () => Promise.reject(new Error('source')))).rejects.toThrow('source');
    expect(await changes()).toEqual({
      ...MISSED,
      'strata.loads{cache=item}': 1,
      'strata.load.errors{cache=item}': 1,
      'strata.load.duration.seconds{cache=item,outcome=error}': 1,
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('release'),
    });
  });

  it('an invalidation of this process that overtakes a load', async () => {
    const stop = gate();
    const loading = cache.getOrSet('fence', async () => {
      await stop.pass();
      return 'old';
    });
    await stop.arrived();
    await cache.delete('fence');
    stop.open();
    await loading;
    expect(await changes()).toEqual({
      ...MISSED,
      ...LOADED,
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('invalidate'),
      ...CALL('release'),
      'strata.fence.rejections{cache=item,reason=local}': 1,
      'strata.invalidations{kind=key,mode=delete}': 1,
      'strata.cache.invalidations{cache=item}': 1,
      'strata.bus.received{kind=key}': 1,
    });
  });

  it('an invalidation of another process whose message is late', async () => {
    const stop = gate();
    const loading = cache.getOrSet('late', async () => {
      await stop.pass();
      return 'old';
    });
    await stop.arrived();
    one.bus.hold();
    await other.cache.delete('late');
    stop.open();
    await loading;
    await settle();
    one.bus.release();
    expect(await changes()).toEqual({
      ...MISSED,
      ...LOADED,
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('fill'),
      'strata.stored{cache=item}': 1,
      'strata.l1.removals{cache=item,cause=overtaken}': 1,
      'strata.fence.rejections{cache=item,reason=shared}': 1,
      'strata.bus.received{kind=key}': 1,
    });
  });

  it('a lost message: a gap at the next heartbeat', async () => {
    one.bus.dropNext();
    await other.cache.delete('whatever');
    await clock.advance(1_000);
    expect(await changes()).toEqual({ 'strata.bus.gaps': 1 });
  });

  it('values that cannot be stored', async () => {
    class Thing {}
    await cache.getOrSet('thing', async () => new Thing() as never);
    expect(await changes()).toEqual({
      ...MISSED,
      ...LOADED,
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('release'),
      'strata.refused{cache=item}': 1,
    });
  });

  it('invalidations by key, tag and clear', async () => {
    await cache.expire('a');
    await cache.deleteMany(['a', 'b']);
    await strata.invalidateTags(['x', 'y', 'z']);
    await strata.clear({ mode: 'expire' });
    expect(await changes()).toEqual({
      'strata.invalidations{kind=key,mode=expire}': 1,
      'strata.invalidations{kind=key,mode=delete}': 2,
      'strata.invalidations{kind=tag,mode=delete}': 3,
      'strata.invalidations{kind=clear,mode=expire}': 1,
      'strata.cache.invalidations{cache=item}': 3,
      'strata.bus.received{kind=key}': 2,
      'strata.bus.received{kind=tag}': 1,
      'strata.bus.received{kind=clear}': 1,
      ...CALL('invalidate', 4),
    });
  });

  it('what leaves L1: no room, replaced, deleted, expired', async () => {
    await cache.clear();
    await strata.clear();
    await changes();
    for (let id = 0; id < 25; id++) await cache.getOrSet(`many-${id}`, () => load('x'));
    await cache.set('many-24', 'y');
    await cache.delete('many-23');
    expect(await changes()).toEqual({
      'strata.lookups{cache=item,tier=none,outcome=miss}': 25,
      'strata.loads{cache=item}': 25,
      'strata.load.duration.seconds{cache=item,outcome=ok}': 25,
      ...CALL('read', 25),
      ...CALL('lease', 25),
      ...CALL('fill', 25),
      ...CALL('put'),
      ...CALL('invalidate'),
      ...FILLED(26 * 3, 26),
      // 20 fit, and what was cleared above stays until it is looked at or displaced: 5 of them were still there.
      'strata.l1.removals{cache=item,cause=evicted}': 10,
      // Of the key that was put: its own message came before the answer of the put, and nothing is stored under a broken fence.
      'strata.l1.removals{cache=item,cause=deleted}': 2,
      'strata.l1.entries': 13,
      'strata.invalidations{kind=key,mode=delete}': 1,
      'strata.cache.invalidations{cache=item}': 1,
      'strata.bus.received{kind=key}': 2,
    });
  });

  it('a stale value, refreshed behind the answer', async () => {
    await cache.getOrSet('soft', () => load('old'));
    await clock.advance(60_001);
    await changes();
    expect(await cache.getOrSet('soft', () => load('new'))).toBe('old');
    expect(await changes()).toEqual({
      'strata.lookups{cache=item,tier=l1,outcome=stale}': 1,
      // Of the 32 loads so far, 28 took 40 ms.
      'strata.saved.seconds{cache=item}': expect.closeTo((28 * 0.04) / 32, 6),
      ...LOADED,
      ...FILLED(5),
      ...CALL('read'),
      ...CALL('lease'),
      ...CALL('fill'),
      // First by the stale entry of the second tier, then by what was loaded.
      'strata.l1.removals{cache=item,cause=replaced}': 2,
    });
  });

  it('locks', async () => {
    await strata.locks.withLock('a', async () => {
      expect(await strata.locks.tryAcquire('a')).toBeNull();
      clock.jump(5);
    });
    expect(await changes()).toEqual({
      'strata.locks{outcome=granted}': 1,
      'strata.locks{outcome=refused}': 1,
      'strata.lock.wait.seconds{outcome=ok}': 1,
      'strata.lock.wait.seconds{outcome=error}': 1,
      'strata.lock.hold.seconds{outcome=ok}': 1,
    });
  });

  it('HTTP responses and events, counted by the layers above', async () => {
    strata.count('responses', ['hit', 'stored']);
    strata.count('events', ['received', 'applied'], 2);
    expect(await changes()).toEqual({
      'strata.http.responses{outcome=hit,reason=stored}': 1,
      'strata.events{direction=received,outcome=applied}': 2,
    });
  });

  it('a second tier that fails: errors, the queue, the breaker', async () => {
    one.tier.down();
    for (let time = 0; time < 5; time++) await cache.delete(`down-${time}`);
    expect(await changes()).toEqual({
      'strata.invalidations{kind=key,mode=delete}': 5,
      'strata.cache.invalidations{cache=item}': 5,
      'strata.recovery.queue': 5,
      'strata.breaker.open': 1,
      'strata.breaker.openings': 1,
      ...FAILED('invalidate', 5),
    });
    await cache.getOrSet('fresh', () => load('x'));
    expect(await changes()).toMatchObject({ ...MISSED, ...LOADED, 'strata.l2.errors{cache=item}': 1 });
    one.tier.up();
    await clock.advance(3_000);
    const recovered = await changes();
    expect(recovered).toMatchObject({ 'strata.recovery.queue': -5, 'strata.breaker.open': -1 });
  });

  it('and all along: how many different keys were asked for', () => {
    // 1, 2, none, join, lease, bad, fence, late, thing, many-0 to many-24, soft, fresh.
    expect(Math.abs(cache.stats().distinctKeys - 36)).toBeLessThanOrEqual(2);
  });

  it('has moved every metric but those of a real Redis and of availability over truth', () => {
    const unmoved = Object.values(METRICS).filter(({ name }) => !seen.has(name));
    expect(unmoved.map(({ name }) => name).filter((name) => !name.startsWith('strata.redis.'))).toEqual([
      'strata.unproven',
      'strata.expected.hit.ratio',
      'strata.l2.refusals', // a fake says yes or no
      'strata.bus.lag.seconds', // nothing takes time on a clock that stands still
      'strata.locks.held',
      'strata.locks.waiting',
    ]);
  });
});
