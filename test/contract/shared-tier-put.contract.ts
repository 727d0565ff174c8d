import { describe, expect, it } from '@jest/globals';
import { record, type Context } from './shared-tier.harness.js';

export function putContract(context: Context): void {
  describe('a put', () => {
    it('stores without a lease, in order of arrival', async () => {
      const { a, b } = context();
      expect(await a.tier.put('k', record('one', { tags: ['t'] }), undefined)).toBe(true);
      expect(await b.see('k')).toBe('one');
      expect(await b.tier.put('k', record('two', { tags: ['t'] }), undefined)).toBe(true);
      expect(await a.see('k')).toBe('two');
    });

    it('is what came last: earlier invalidations of its tags do not concern it, later ones do', async () => {
      const { a, b } = context();
      await b.tier.invalidateTags(['t'], 'delete');
      await b.tier.clear('delete');
      await a.tier.put('k', record('v', { tags: ['t'] }), undefined);
      expect(await b.see('k')).toBe('v');
      await b.tier.invalidateTags(['t'], 'expire');
      expect(await a.see('k')).toBe('v (stale)');
      await b.tier.invalidateTags(['t'], 'delete');
      expect(await a.see('k')).toBeUndefined();
    });

    it('with a version never replaces a higher one, also after a delete', async () => {
      const { a, b } = context();
      expect(await a.tier.put('k', record('v5'), 5)).toBe(true);
      expect(await b.tier.put('k', record('v4'), 4)).toBe(false);
      expect(await b.see('k')).toBe('v5');
      expect(await b.tier.put('k', record('v5 again'), 5)).toBe(true);
      await a.tier.invalidateKeys(['k'], 'delete');
      expect(await b.tier.put('k', record('v3'), 3)).toBe(false);
      expect(await a.see('k')).toBeUndefined();
      expect(await b.tier.put('k', record('v10'), 10)).toBe(true);
      expect(await a.see('k')).toBe('v10');
    });

    it('compares versions as numbers up to 2^53', async () => {
      const { a } = context();
      const top = Number.MAX_SAFE_INTEGER;
      expect(await a.tier.put('k', record('top'), top)).toBe(true);
      expect(await a.tier.put('k', record('below'), top - 1)).toBe(false);
      expect(await a.tier.put('n', record('9'), 9)).toBe(true);
      expect(await a.tier.put('n', record('10'), 10)).toBe(true);
    });

    it('is refused while the key is held, and leaves nothing outdated behind', async () => {
      const { a, b } = context();
      await a.load('k', 'old');
      await a.tier.hold('k', { token: 'w', ttl: 60_000 });
      expect(await b.tier.put('k', record('new'), undefined)).toBe(false);
      expect(await a.see('k')).toBeUndefined();
    });

    it('tells every instance, as does an announced fill; a plain fill does not', async () => {
      const { a, b } = context();
      await a.load('quiet', 'v');
      await a.tier.put('k', record('v'), undefined);
      const lease = await a.granted('f', { force: true });
      await a.tier.fill('f', lease, record('v'), true);
      const shard = (key: string): number => b.tier.shardOf(key);
      // Behind every message sent before: nothing is still on its way.
      await Promise.all(['quiet', 'k', 'f'].map((key) => b.bus.probe(shard(key))));
      const named = b.messages.flatMap(({ event }) => (event?.kind === 'keys' ? event.keys : []));
      expect(named.toSorted()).toEqual(['f', 'k']);
    });
  });
}
