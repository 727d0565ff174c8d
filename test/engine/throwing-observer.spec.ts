import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createStrata, defineCache, type Observer } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';

const definition = defineCache<[id: string], string>({
  name: 'thing',
  version: 1,
  owner: 'tests',
  key: (id) => id,
  ttl: '1m',
});

const thrown = new Error('a fault of the observer');
const fails = (): never => {
  throw thrown;
};

/** Each observer, and whether it runs operations at all. */
const OBSERVERS: Record<string, Observer> = {
  timed: { timed: fails },
  lookup: { lookup: fails },
  invalidated: { invalidated: fails },
  notice: { notice: fails },
  'around, before it has run': { around: fails },
  'around, which rejects before it has run': { around: () => Promise.reject(thrown) },
  'around, after it was told to run': {
    around: (_operation, run) => {
      run().catch(() => undefined);
      return fails();
    },
  },
  'around, when it has run': { around: (_operation, run) => run().then(fails) },
  'around, which runs later': { around: (_operation, run) => Promise.resolve().then(run) },
  'around, which runs twice': { around: (_operation, run) => run().then(run) },
};

describe.each(Object.entries(OBSERVERS))('an observer that throws: %s', (_name, observer) => {
  const warnings = jest.spyOn(process, 'emitWarning');
  const unhandled = jest.fn();
  beforeEach(() => {
    warnings.mockReset().mockReturnValue(undefined);
    process.on('unhandledRejection', unhandled);
  });
  afterEach(() => {
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each([false, true])('reaches no caller, and nothing runs twice (second tier: %p)', async (shared) => {
    const clock = new FakeClock();
    const strata = createStrata({
      namespace: 'tests',
      clock,
      observer,
      l2: shared ? sharedMemory() : undefined,
    });
    const cache = strata.cache(definition);
    let loads = 0;
    const read = (key: string): Promise<string> => cache.getOrSet(key, () => `${key}${++loads}`);
    expect(await Promise.all([read('a'), read('a')])).toEqual(['a1', 'a1']);
    await settle();
    expect(await read('a')).toBe('a1');
    expect(await cache.delete('a')).toEqual({ acknowledged: true });
    expect(await read('a')).toBe('a2');
    const own = new Error('of the loader');
    await expect(cache.getOrSet('b', () => Promise.reject(own))).rejects.toBe(own);
    expect(await cache.put('c', async () => 'put')).toBe('put');
    expect(await strata.locks.withLock('job', async () => 'held')).toBe('held');
    await strata.close();
    expect(loads).toBe(2);
    expect(warnings.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

it('says once which member has thrown, and what', async () => {
  const warnings = jest.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  const strata = createStrata({ namespace: 'tests', observer: { timed: fails } });
  const cache = strata.cache(definition);
  await cache.getOrSet('a', () => 'a');
  await cache.getOrSet('b', () => 'b');
  await strata.close();
  expect(warnings.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(/^observer\.timed has thrown.*a fault of the observer/s),
  ]);
});
