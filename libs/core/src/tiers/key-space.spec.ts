import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeKey } from '../key.js';
import { KeySpace } from './key-space.js';
import type { L1Fill } from './l1-store.js';
import { memoryTier } from './memory-tier.js';

const PREFIX = 'product:v1:';
const FILL: L1Fill = {
  value: 'v',
  bytes: 10,
  createdAt: 0,
  checkAt: 1,
  staleAt: 1,
  goneAt: 1,
  sequence: 0,
  tags: undefined,
  id: '',
};

/** Strings that look like the encodings of something else, and all the rest. */
const tricky = fc.constantFrom(
  '',
  '#1',
  '!t',
  '!n',
  '!e',
  'a:b',
  '%0021t',
  '@x|y',
  'é',
  '#007',
  '#',
  '🦉',
  '\ud800',
  '~a',
);
const part = fc.oneof(tricky, fc.string(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const parts = fc.oneof(part, fc.boolean(), fc.constant(null), fc.array(part, { maxLength: 3 }));

describe('KeySpace', () => {
  it('finds every key by its parts and by its encoding, and no key by another', () => {
    const operation = fc.tuple(fc.constantFrom('put', 'put', 'remove'), parts, fc.boolean());
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const space = new KeySpace(PREFIX, 1);
        const model = new Map<string, { slot: number; local: string | number }>();
        for (const [index, [kind, key, withPart]] of operations.entries()) {
          const rest = encodeKey('t', key);
          const known = model.get(rest);
          expect(space.locate(rest)).toBe(known?.slot ?? -1);
          // A number, or a string that is its own encoding, is found as it is; any other string never.
          const own = typeof key === 'number' || key === rest ? (key as string | number) : undefined;
          if (own !== undefined) expect(space.find(own)).toBe(known?.slot ?? -1);
          else if (typeof key === 'string') expect(space.find(key)).toBe(-1);
          if (known !== undefined && kind === 'remove') {
            expect(space.keyOf(known.local)).toBe(PREFIX + rest);
            space.remove(known.local);
            model.delete(rest);
          } else if (known === undefined && kind === 'put') {
            model.set(rest, { slot: index, local: space.put(rest, index, withPart ? own : undefined) });
          }
        }
        expect(
          space
            .clear()
            .map((local) => space.keyOf(local))
            .toSorted(),
        ).toEqual([...model.keys()].map((rest) => PREFIX + rest).toSorted());
      }),
    );
  });

  it('keys that only look like a number reach none', () => {
    const space = new KeySpace(PREFIX, 1);
    space.put('#7', 3, 7);
    expect(['#7', '#07', '#7.0', '#0x7', '# 7', '#7e0', '#'].map((rest) => space.locate(rest))).toEqual([
      3, -1, -1, -1, -1, -1, -1,
    ]);
  });
});

describe('spaces of a store', () => {
  it('the same part of two caches is two entries, whether asked for by part or by key', () => {
    const store = memoryTier().create();
    const [products, prices] = [store.space(PREFIX), store.space('price:v2:')];
    store.set(`${PREFIX}42`, { ...FILL, value: 'lamp', part: '42' });
    store.set('price:v2:42', { ...FILL, value: 1999 });
    store.set('42', { ...FILL, value: 'of no cache' });
    expect(store.values[products.find('42')]).toBe('lamp');
    expect(store.values[prices.find('42')]).toBe(1999);
    expect(store.values[store.find('42')]).toBe('of no cache');
    expect([`${PREFIX}42`, 'price:v2:42', '42'].map((key) => store.keyOf(store.find(key)))).toEqual([
      `${PREFIX}42`,
      'price:v2:42',
      '42',
    ]);
    store.delete(`${PREFIX}42`, 'deleted');
    expect([products.find('42'), prices.find('42') >= 0, store.size]).toEqual([-1, true, 2]);
  });

  it('whoever holds a space goes on finding what is stored after a clear, and the listener is told every key with its prefix', () => {
    const removed: string[] = [];
    const store = memoryTier().create((key, cause, prefix) => removed.push(`${cause} ${prefix} ${key}`));
    const products = store.space(PREFIX);
    store.set(`${PREFIX}42`, { ...FILL, part: '42' });
    store.set(`${PREFIX}#7`, { ...FILL, part: 7 });
    store.clear();
    expect(removed.toSorted()).toEqual([`deleted ${PREFIX} ${PREFIX}#7`, `deleted ${PREFIX} ${PREFIX}42`]);
    store.set(`${PREFIX}42`, { ...FILL, value: 'again', part: '42' });
    expect([store.size, store.values[products.find('42')], products.find(7)]).toEqual([1, 'again', -1]);
  });
});
