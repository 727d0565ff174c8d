import { afterEach, describe, expect, it } from '@jest/globals';
import { gate, settle } from '@strata-cache/core/testing';
import { closeAll } from './engine-kit.js';
import { failsWith } from './fails-with.js';
import { layers, stage, stale } from './timeline-stage.js';

afterEach(closeAll);

describe.each(Object.entries(layers))('%s', (_name, shared) => {
  it('null is a value: loaded once', async () => {
    const { cache } = await stage(shared);
    let loads = 0;
    for (let index = 0; index < 3; index++) {
      expect(await cache.getOrSet('a', () => (loads++, null))).toBeNull();
      await settle();
    }
    expect(loads).toBe(1);
    expect(cache.stats().negative).toBe(2);
  });

  it('null and undefined are kept for negativeTtl, without grace', async () => {
    const { clock, cache } = await stage(shared, { ttl: '10m', grace: '10m', negativeTtl: '5s' });
    for (const nothing of [null, undefined] as const) {
      let loads = 0;
      const read = (): Promise<unknown> => cache.getOrSet(`key ${nothing}`, () => (loads++, nothing));
      expect([await read(), await read()]).toEqual([nothing, nothing]);
      await clock.advance(5_001);
      await read();
      await settle();
      expect(loads).toBe(2);
    }
  });

  it('a null that was set is kept for negativeTtl, without grace, like one that was loaded', async () => {
    const { clock, cache } = await stage(shared, { ttl: '10m', grace: '10m', negativeTtl: '5s' });
    await cache.set('a', null);
    expect(await cache.get('a')).toBeNull();
    await clock.advance(5_001);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('undefined is not kept without negativeTtl', async () => {
    const { cache } = await stage(shared);
    let loads = 0;
    await cache.getOrSet('a', () => (loads++, undefined));
    await cache.getOrSet('a', () => (loads++, undefined));
    expect(loads).toBe(2);
  });

  it('negativeErrors: a thrown "not found" is remembered and thrown again, others are not', async () => {
    class NotFound extends Error {}
    const { clock, cache } = await stage(shared, {
      negativeTtl: '5s',
      negativeErrors: (error) => error instanceof NotFound,
    });
    let loads = 0;
    const missing = new NotFound('no such thing');
    const read = (error: Error): Promise<unknown> => cache.getOrSet('a', () => (loads++, Promise.reject(error)));
    await expect(read(new Error('down'))).rejects.toThrow('down');
    await expect(read(missing)).rejects.toBe(missing);
    await expect(read(missing)).rejects.toBe(missing);
    expect(loads).toBe(2);
    expect(cache.peek('a')).toBeUndefined();
    await clock.advance(5_001);
    await expect(read(missing)).rejects.toBe(missing);
    expect(loads).toBe(3);
  });

  it('negativeErrors that throws says no: the caller gets the error of the load', async () => {
    const { cache } = await stage(shared, {
      negativeTtl: '5s',
      negativeErrors: (error) => (error as { code: number }).code === 404,
    });
    let loads = 0;
    const read = (): Promise<unknown> => cache.getOrSet('a', () => (loads++, Promise.reject(undefined as never)));
    const outcome = (): Promise<string> =>
      read().then(
        () => 'answered',
        (error: unknown) => `failed: ${String(error)}`,
      );
    expect([await outcome(), await outcome()]).toEqual(['failed: undefined', 'failed: undefined']);
    expect(loads).toBe(2);
  });

  it('the last waiting caller that leaves aborts the load, not one before', async () => {
    const { cache } = await stage(shared);
    const held = gate();
    let signal: AbortSignal | undefined;
    const [one, other] = [new AbortController(), new AbortController()];
    const reads = [one, other].map((controller) =>
      cache.getOrSet(
        'a',
        async (context) => {
          signal = context.signal;
          await held.pass();
          return null;
        },
        { signal: controller.signal },
      ),
    );
    const refused = reads.map((reading) => expect(reading).rejects.toThrow('left'));
    await held.arrived();
    one.abort(new Error('left'));
    await settle();
    expect(signal?.aborted).toBe(false);
    other.abort(new Error('left'));
    await Promise.all(refused);
    expect(signal?.aborted).toBe(true);
    // Whoever comes now gets a load of their own.
    expect(await cache.getOrSet('a', () => null)).toBeNull();
    held.open();
  });

  it('a caller without a signal keeps the load alive', async () => {
    const { cache, source } = await stage(shared);
    const held = source.hold();
    const controller = new AbortController();
    const leaving = failsWith(cache.getOrSet('a', source.load, { signal: controller.signal }), 'left');
    const staying = cache.getOrSet('a', source.load);
    await held.arrived();
    controller.abort(new Error('left'));
    await leaving;
    held.open();
    expect((await staying)?.v).toBe(0);
  });

  it('a signal aborted before starts no load', async () => {
    const { cache, source } = await stage(shared);
    const signal = AbortSignal.abort(new Error('left'));
    await expect(cache.getOrSet('a', source.load, { signal })).rejects.toThrow('left');
    await settle();
    expect(source.loads).toBe(0);
  });

  it('ctx: stale entry, skip, setTtl, addTags', async () => {
    const { clock, cache, source } = await stale(shared);
    let seen: unknown;
    await cache.getOrSet('a', (context, id) => {
      seen = context.stale;
      context.setTtl('1s');
      context.addTags(['one']);
      context.addTags(['two']);
      return { id, v: source.version(id) };
    });
    await settle();
    expect(seen).toMatchObject({ value: { v: 0 } });
    const entry = await cache.entry('a');
    expect(entry).toMatchObject({ value: { v: 1 }, tags: ['one', 'two'], stale: false });
    expect((entry?.staleAt ?? 0) - (entry?.createdAt ?? 0)).toBeCloseTo(1_000, -1);
    await clock.advance(60_000);
    await cache.getOrSet('b', (context, id) => {
      context.skip();
      return { id, v: 5 };
    });
    expect(await cache.entry('b')).toBeUndefined();
    await expect(cache.getOrSet('c', (context) => (context.setTtl(60 as never), null))).rejects.toMatchObject({
      code: 'ERR_CACHE_CONFIG',
    });
    await expect(cache.getOrSet('c', (context) => (context.addTags(['@x']), null))).rejects.toMatchObject({
      code: 'ERR_CACHE_KEY',
    });
  });

  it('entry tells where a value is, and how old', async () => {
    const { clock, cache, source } = await stage(shared, { ttl: '10s', grace: '20s' });
    expect(await cache.entry('a')).toBeUndefined();
    const before = clock.wall();
    await cache.getOrSet('a', source.load);
    await settle();
    const entry = await cache.entry('a');
    expect(entry).toMatchObject({ tier: 'l1', stale: false, tags: [] });
    expect(entry!.createdAt - before).toBeLessThan(2);
    expect(entry!.staleAt - before).toBeGreaterThan(9_997);
    expect(entry!.goneAt - before).toBeGreaterThan(29_997);
    await clock.advance(10_001);
    expect(await cache.entry('a')).toMatchObject({ stale: true });
    expect(source.loads).toBe(1);
  });

  it('set with versions: a lower one is ignored, also after a delete', async () => {
    const { cache } = await stage(shared);
    await cache.set('a', { id: 'a', v: 5 }, { version: 5 });
    await cache.set('a', { id: 'a', v: 4 }, { version: 4 });
    expect((await cache.get('a'))?.v).toBe(5);
    await cache.set('a', { id: 'a', v: 55 }, { version: 5 });
    expect((await cache.get('a'))?.v).toBe(55);
    await cache.delete('a');
    await cache.set('a', { id: 'a', v: 3 }, { version: 3 });
    expect(await cache.get('a')).toBeUndefined();
  });

  it('set: undefined deletes, unless "not found" is remembered', async () => {
    const { cache, source } = await stage(shared);
    await cache.set('a', { id: 'a', v: 5 });
    await cache.set('a', undefined as never);
    expect(await cache.entry('a')).toBeUndefined();
    const remembering = cache.with({ negativeTtl: '5s' });
    await remembering.set('a', undefined as never);
    await cache.getOrSet('a', source.load);
    expect(source.loads).toBe(0);
  });

  it('put: undefined deletes, a failing method stores and deletes nothing', async () => {
    const { cache } = await stage(shared);
    await cache.set('a', { id: 'a', v: 1 });
    await expect(cache.put('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await cache.get('a'))?.v).toBe(1);
    expect(await cache.put('a', () => Promise.resolve('done'), { value: () => undefined })).toBe('done');
    expect(await cache.get('a')).toBeUndefined();
    await cache.put('a', () => Promise.resolve(7), { value: (v) => ({ id: 'a', v }) });
    expect((await cache.get('a'))?.v).toBe(7);
  });
});
