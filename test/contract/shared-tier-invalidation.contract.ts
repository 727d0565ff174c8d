import { describe, expect, it } from '@jest/globals';
import type { Context } from './shared-tier.harness.js';

export function invalidationContract(context: Context): void {
  describe('invalidation', () => {
    it('by key: delete is gone, expire is stale within grace; others stay', async () => {
      const { a, b } = context();
      const keys = ['one', 'two', 'three'];
      await Promise.all(keys.map((key) => a.load(key, key, { graceFor: 60_000 })));
      await b.tier.invalidateKeys(['one'], 'delete');
      await b.tier.invalidateKeys(['two', 'absent'], 'expire');
      expect(await Promise.all(keys.map((key) => a.see(key)))).toEqual([undefined, 'two (stale)', 'three']);
    });

    it('expiring what is absent leaves nothing behind', async () => {
      const { a, b } = context();
      await a.tier.invalidateKeys(['ghost'], 'expire');
      expect(await b.read('ghost')).toEqual({ status: 'absent', id: '' });
      await b.load('ghost', 'v');
      expect(await a.see('ghost')).toBe('v');
    });

    it('of many keys at once reaches all of them', async () => {
      const { a, b } = context();
      const keys = Array.from({ length: 300 }, (_, index) => `bulk${index}`);
      await Promise.all(keys.map((key) => a.load(key, key)));
      await b.tier.invalidateKeys([...keys, keys[0]], 'delete');
      expect(await Promise.all(keys.map((key) => a.see(key)))).toEqual(keys.map(() => undefined));
    });

    it('by tag: every entry that carries it, in one step, whatever its shard', async () => {
      const { a, b } = context();
      const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
      await Promise.all(
        keys.map((key, index) => a.load(key, key, { tags: [`odd:${index % 2}`, `k:${index}`], graceFor: 60_000 })),
      );
      await b.tier.invalidateTags(['odd:1'], 'delete');
      await b.tier.invalidateTags(['k:0', 'k:2'], 'expire');
      // Twice: the first read finds out which tags there are, the second knows.
      for (let round = 0; round < 2; round += 1) {
        const seen = await Promise.all(keys.map((key) => a.see(key)));
        expect(seen).toEqual(
          keys.map((key, index) => (index % 2 === 1 ? undefined : index < 4 ? `${key} (stale)` : key)),
        );
      }
      await Promise.all(keys.map((key, index) => a.load(key, `${key}'`, { tags: [`odd:${index % 2}`] })));
      expect(await Promise.all(keys.map((key) => b.see(key)))).toEqual(keys.map((key) => `${key}'`));
    });

    it('by a tag with any name', async () => {
      const { a, b } = context();
      const tags = ['ü🙂', '{}', 'a:b', 't:x', 'i', '*', '__proto__', 'x'.repeat(256)];
      await Promise.all(tags.map((tag, index) => a.load(`k${index}`, 'v', { tags: [tag] })));
      for (const [index, tag] of tags.entries()) {
        await b.tier.invalidateTags([tag], 'delete');
        expect(await a.see(`k${index}`)).toBeUndefined();
        if (index + 1 < tags.length) expect(await a.see(`k${index + 1}`)).toBe('v');
      }
    });

    it('hard outranks soft, in either order', async () => {
      const { a, b } = context();
      await a.load('hs', 'v', { tags: ['hs'], graceFor: 60_000 });
      await a.load('sh', 'v', { tags: ['sh'], graceFor: 60_000 });
      await b.tier.invalidateTags(['hs'], 'delete');
      await b.tier.invalidateTags(['hs'], 'expire');
      await b.tier.invalidateTags(['sh'], 'expire');
      await b.tier.invalidateTags(['sh'], 'delete');
      expect(await a.see('hs')).toBeUndefined();
      expect(await a.see('sh')).toBeUndefined();
    });

    it('clears everything: softly to stale, hard to gone; what is stored afterwards is fresh', async () => {
      const { a, b } = context();
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => a.load(key, 'v', { graceFor: 60_000, tags: ['t'] })));
      await b.tier.clear('expire');
      expect(await Promise.all(keys.map((key) => a.see(key)))).toEqual(keys.map(() => 'v (stale)'));
      await a.load('k0', 'new', { tags: ['t'] });
      expect(await b.see('k0')).toBe('new');
      await b.tier.clear('delete');
      expect(await Promise.all(keys.map((key) => a.see(key)))).toEqual(keys.map(() => undefined));
      await a.load('k0', 'newer', { tags: ['t'] });
      expect(await b.see('k0')).toBe('newer');
    });

    it('is seen by a refresh: a stale entry is leased, replaced and fresh again', async () => {
      const { a, b } = context();
      await a.load('k', 'old', { graceFor: 60_000 });
      await b.tier.invalidateKeys(['k'], 'expire');
      await b.load('k', 'new', { graceFor: 60_000 });
      expect(await a.see('k')).toBe('new');
    });
  });
}
