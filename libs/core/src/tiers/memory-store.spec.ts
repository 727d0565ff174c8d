import { describe, expect, it } from '@jest/globals';
import type { L1Fill, L1Store, RemovalCause } from './l1-store.js';
import { memoryTier, type MemoryTierOptions } from './memory-tier.js';
import { MemoryStore } from './memory-store.js';
import { nullTier } from './null-tier.js';
import { S3FifoPolicy } from './s3-fifo.js';

function fill(value: unknown, more: Partial<L1Fill> = {}): L1Fill {
  const times = { createdAt: 1_000, checkAt: 2_000, staleAt: 2_000, goneAt: 2_000 };
  return { value, bytes: 10, ...times, sequence: 1, tags: undefined, id: '', ...more };
}

function recorded(options?: MemoryTierOptions): { store: L1Store; removed: [string, RemovalCause][] } {
  const removed: [string, RemovalCause][] = [];
  return { store: memoryTier(options).create((key, cause) => removed.push([key, cause])), removed };
}

describe.each(['s3-fifo', 'lru'] as const)('memory store, %s', (policy) => {
  it('finds what was set, with its columns', () => {
    const { store } = recorded({ policy });
    expect(store.find('a')).toBe(-1);
    expect(store.set('a', fill('A', { sequence: 7, tags: ['t'], id: 'id-a' }))).toBe(true);
    const slot = store.find('a');
    expect(store.values[slot]).toBe('A');
    expect(store.checkAt[slot]).toBe(2_000);
    expect(store.sequence[slot]).toBe(7);
    expect([store.createdAt(slot), store.staleAt(slot), store.goneAt(slot)]).toEqual([1_000, 2_000, 2_000]);
    expect([store.keyOf(slot), store.idOf(slot), store.tagsOf(slot)]).toEqual(['a', 'id-a', ['t']]);
    expect([store.size, store.bytes]).toEqual([1, 10]);
  });

  it('keeps undefined-like values apart from absence', () => {
    const { store } = recorded({ policy });
    for (const value of [null, 0, '', false]) {
      store.set('k', fill(value));
      expect(store.values[store.find('k')]).toBe(value);
    }
    expect(store.size).toBe(1);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'treats %j as a key like any other',
    (key) => {
      const { store, removed } = recorded({ policy, maxEntries: 1 });
      expect(store.find(key)).toBe(-1);
      expect(store.delete(key, 'deleted')).toBe(false);
      store.set(key, fill(1));
      expect(store.values[store.find(key)]).toBe(1);
      store.set('other', fill(2));
      expect(store.find(key)).toBe(-1);
      expect(removed).toEqual([[key, 'evicted']]);
      expect(Object.prototype).not.toHaveProperty('value');
    },
  );

  it('tells the listener the cause of every removal', () => {
    const { store, removed } = recorded({ policy, maxEntries: 2, maxBytes: 100 });
    store.set('a', fill(1));
    store.set('a', fill(2));
    store.delete('a', 'overtaken');
    store.set('b', fill(1));
    store.set('c', fill(1));
    store.set('d', fill(1));
    store.delete('c', 'expired');
    store.set('d', fill(1, { bytes: 101 }));
    store.set('e', fill(1));
    store.clear();
    expect(removed).toEqual([
      ['a', 'replaced'],
      ['a', 'overtaken'],
      ['b', 'evicted'],
      ['c', 'expired'],
      ['d', 'replaced'],
      ['e', 'deleted'],
    ]);
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });

  it('declines a value larger than the tier, evicts nobody for it, and drops the old value of its key', () => {
    const { store } = recorded({ policy, maxBytes: 100 });
    store.set('a', fill(1));
    store.set('b', fill(1));
    expect(store.set('a', fill(2, { bytes: 101 }))).toBe(false);
    expect(store.set('c', fill(2, { bytes: Number.NaN }))).toBe(false);
    expect([store.find('a'), store.find('c'), store.size, store.bytes]).toEqual([-1, -1, 1, 10]);
    expect(store.set('a', fill(2, { bytes: 100 }))).toBe(true);
    expect([store.size, store.bytes]).toEqual([1, 100]);
  });

  it('makes room by bytes when a value grows, never evicting the entry itself', () => {
    const { store, removed } = recorded({ policy, maxBytes: 100 });
    store.set('a', fill(1, { bytes: 40 }));
    store.set('b', fill(1, { bytes: 40 }));
    store.set('a', fill(2, { bytes: 61 }));
    expect(store.values[store.find('a')]).toBe(2);
    expect(removed).toEqual([
      ['b', 'evicted'],
      ['a', 'replaced'],
    ]);
    expect(store.bytes).toBe(61);
  });

  it('expires without losing the end of usefulness, revalidates, and prolongs without losing the age', () => {
    const { store } = recorded({ policy });
    store.set('a', fill('A', { checkAt: 1_800, goneAt: 9_000 }));
    const slot = store.find('a');
    expect([store.checkAt[slot], store.staleAt(slot), store.goneAt(slot)]).toEqual([1_800, 2_000, 9_000]);
    store.expire(slot);
    expect(store.checkAt[slot]).toBeLessThanOrEqual(1_000);
    expect(store.staleAt(slot)).toBeLessThanOrEqual(1_000);
    expect([store.goneAt(slot), store.createdAt(slot), store.values[slot]]).toEqual([9_000, 1_000, 'A']);
    store.prolong(slot, 3_000, 3_500, 4_000);
    expect([store.checkAt[slot], store.staleAt(slot), store.goneAt(slot)]).toEqual([3_000, 3_500, 4_000]);
    expect(store.createdAt(slot)).toBe(1_000);
    store.revalidate(slot, 44);
    expect(store.sequence[slot]).toBe(44);
  });

  it('grows over many doublings without mixing columns up', () => {
    const { store } = recorded({ policy, maxEntries: 1_000 });
    const tagged = (n: number): readonly string[] | undefined => (n % 3 === 0 && n > 200 ? [`t${n}`] : undefined);
    for (let n = 0; n < 1_000; n++) {
      store.set(
        `k${n}`,
        fill(n, {
          checkAt: 1_000 + n,
          staleAt: 2_000 + n,
          goneAt: 3_000 + n,
          tags: tagged(n),
          sequence: n,
          id: n > 300 ? `i${n}` : '',
        }),
      );
    }
    for (let n = 0; n < 1_000; n++) {
      const slot = store.find(`k${n}`);
      expect([store.values[slot], store.checkAt[slot], store.staleAt(slot), store.goneAt(slot)]).toEqual([
        n,
        1_000 + n,
        2_000 + n,
        3_000 + n,
      ]);
      expect([store.tagsOf(slot), store.idOf(slot), store.sequence[slot]]).toEqual([
        tagged(n),
        n > 300 ? `i${n}` : '',
        n,
      ]);
    }
  });

  it('a slot used again shows nothing of its former entry', () => {
    const { store } = recorded({ policy });
    store.set('a', fill({}, { tags: ['t'], id: 'x', goneAt: 5_000 }));
    const slot = store.find('a');
    store.delete('a', 'deleted');
    expect([store.values[slot], store.tagsOf(slot), store.idOf(slot), store.keyOf(slot)]).toEqual([
      undefined,
      undefined,
      '',
      '',
    ]);
    store.set('b', fill(2));
    expect(store.find('b')).toBe(slot);
    expect([store.tagsOf(slot), store.idOf(slot), store.goneAt(slot)]).toEqual([undefined, '', 2_000]);
  });

  it('is usable after clear, as small as new', () => {
    const { store } = recorded({ policy, maxEntries: 1_000 });
    for (let n = 0; n < 1_000; n++) store.set(`k${n}`, fill(n));
    store.clear();
    expect(store.checkAt).toHaveLength(64);
    expect(store.find('k1')).toBe(-1);
    store.set('k1', fill('again'));
    expect([store.values[store.find('k1')], store.size]).toEqual(['again', 1]);
  });
});

describe('memory store, room', () => {
  it('allocates for what it holds, not for maxEntries, and never beyond it', () => {
    const store = new MemoryStore({
      maxEntries: 10_000,
      maxBytes: 1e9,
      policy: (table, bytes) => new S3FifoPolicy(table, bytes),
    });
    expect(store.capacity).toBe(64);
    for (let n = 0; n < 65; n++) store.set(`k${n}`, fill(n));
    expect(store.capacity).toBe(128);
    for (let n = 0; n < 200_000; n++) store.set(`k${n}`, fill(n));
    expect([store.size, store.capacity, store.values.length, store.checkAt.length]).toEqual([
      10_000, 10_000, 10_000, 10_000,
    ]);
  });

  it('does not grow under delete and insert churn of few keys', () => {
    const store = new MemoryStore({
      maxEntries: 10_000,
      maxBytes: 1e9,
      policy: (table, bytes) => new S3FifoPolicy(table, bytes),
    });
    for (let n = 0; n < 100_000; n++) {
      store.set(`k${n % 50}`, fill(n));
      store.delete(`k${(n * 7) % 50}`, 'deleted');
    }
    expect(store.capacity).toBe(64);
  });

  it('works with room for one entry', () => {
    const { store } = recorded({ maxEntries: 1 });
    for (let n = 0; n < 100; n++) {
      store.set(`k${n % 3}`, fill(n));
      store.touch(store.find(`k${n % 3}`));
      expect(store.size).toBe(1);
    }
  });
});

describe('nullTier', () => {
  it('never holds anything', () => {
    expect(nullTier.set('a', fill(1))).toBe(false);
    expect([nullTier.find('a'), nullTier.size, nullTier.delete('a', 'deleted')]).toEqual([-1, 0, false]);
    nullTier.clear();
  });
});
