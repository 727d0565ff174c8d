import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { L1Fill, L1Store } from './l1-store.js';
import { memoryTier } from './memory-tier.js';

const LIFE = { createdAt: 0, checkAt: 1, staleAt: 1, goneAt: 1, sequence: 0 };

let collect: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
});

async function heapUsed(): Promise<number> {
  await turn();
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

function pour(store: L1Store, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    const value = { n, text: `value ${n}` };
    store.set(`product:${n}`, { ...LIFE, value, bytes: 60, tags: [`tag:${n}`], id: `id ${n}` });
  }
}

describe.each(['s3-fifo', 'lru'] as const)('heap, %s', (policy) => {
  it('stays flat while 200,000 distinct keys pass through room for 10,000', async () => {
    const store = memoryTier({ policy, maxEntries: 10_000 }).create();
    pour(store, 0, 40_000);
    const early = await heapUsed();
    pour(store, 40_000, 200_000);
    const late = await heapUsed();
    expect(store.size).toBe(10_000);
    // 150,000 leaked entries would be tens of megabytes.
    expect(late - early).toBeLessThan(4 * 1024 ** 2);
  });

  it('lets go of values and tags on every way out', async () => {
    const store = memoryTier({ policy, maxEntries: 4, maxBytes: 100 }).create();
    const gone: WeakRef<object>[] = [];
    const put = (key: string, bytes = 1): void => {
      const fill: L1Fill = { ...LIFE, value: { key }, bytes, tags: [key], id: key };
      gone.push(new WeakRef(fill.value as object), new WeakRef(fill.tags as object));
      store.set(key, fill);
      const slot = store.find(key);
      // From the second on the promise is kept.
      for (let reader = 0; slot >= 0 && reader < 2; reader++) gone.push(new WeakRef(store.promiseOf(slot)));
    };
    put('replaced');
    put('replaced');
    store.delete('replaced', 'deleted');
    put('too large');
    put('too large', 101);
    for (let n = 0; n < 8; n++) put(`evicted ${n}`);
    for (let n = 0; n < 8; n++) store.delete(`evicted ${n}`, 'expired');
    put('cleared');
    store.clear();
    await heapUsed();
    await heapUsed();
    expect(gone.filter((reference) => reference.deref() !== undefined)).toEqual([]);
    expect(store.size).toBe(0);
  });

  it('holds no async context of those who read', async () => {
    const store = memoryTier({ policy }).create();
    store.set('hot', { ...LIFE, value: { n: 1 }, bytes: 1, tags: undefined, id: '' });
    const requests = new AsyncLocalStorage<object>();
    const contexts = [1, 2, 3].map((n) => {
      const context = { n };
      requests.run(context, () => void store.promiseOf(store.find('hot')));
      return new WeakRef(context);
    });
    requests.disable();
    await heapUsed();
    await heapUsed();
    expect(contexts.filter((context) => context.deref() !== undefined)).toEqual([]);
    expect(await store.promiseOf(store.find('hot'))).toEqual({ n: 1 });
  });
});
