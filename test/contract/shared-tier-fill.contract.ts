import { describe, expect, it } from '@jest/globals';
import { record, type Instance, type Context } from './shared-tier.harness.js';

type Overtaking = readonly [name: string, run: (other: Instance) => Promise<void>];

/** Whatever of these comes between the start of a load and its fill, what was loaded never becomes readable as fresh. */
const REFUSING: readonly Overtaking[] = [
  ['a delete', (other) => other.tier.invalidateKeys(['k'], 'delete')],
  ['an expire', (other) => other.tier.invalidateKeys(['k'], 'expire')],
  ['a hard clear', (other) => other.tier.clear('delete')],
  ['a hold', (other) => other.tier.hold('k', { token: 'w', ttl: 60_000 })],
  [
    'a hold that was lifted',
    async (other) => {
      await other.tier.hold('k', { token: 'w', ttl: 60_000 });
      await other.tier.unhold('k', 'w');
    },
  ],
];
const VOIDING: readonly Overtaking[] = [
  ['a tag that is declared', (other) => other.tier.invalidateTags(['t'], 'delete')],
  ['one of many tags', (other) => other.tier.invalidateTags(['zzz', 'u', 'yyy'], 'delete')],
];
const STALING: readonly Overtaking[] = [
  ['an expired tag', (other) => other.tier.invalidateTags(['u'], 'expire')],
  ['a soft clear', (other) => other.tier.clear('expire')],
];

export function fillContract(context: Context): void {
  describe('a fill', () => {
    it.each(REFUSING)('is refused after %s', async (_name, overtake) => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await overtake(b);
      expect(await a.tier.fill('k', lease, record('old', { graceFor: 60_000 }), false)).toBe(false);
      expect(await b.see('k')).toBeUndefined();
      expect(await a.see('k')).toBeUndefined();
    });

    it.each(VOIDING)('is void after %s, though its tags were unknown until then', async (_name, overtake) => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await overtake(b);
      await a.tier.fill('k', lease, record('old', { tags: ['t', 'u'], graceFor: 60_000 }), false);
      expect(await b.see('k')).toBeUndefined();
      await b.load('k', 'new', { tags: ['t', 'u'] });
      expect(await a.see('k')).toBe('new');
    });

    it.each(STALING)('is stale at once after %s', async (_name, overtake) => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await overtake(b);
      await a.tier.fill('k', lease, record('old', { tags: ['t', 'u'], graceFor: 60_000 }), false);
      expect(await b.see('k')).toBe('old (stale)');
    });

    it('gives way to a put that came in between', async () => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await b.tier.put('k', record('put'), undefined);
      expect(await a.tier.fill('k', lease, record('old'), false)).toBe(false);
      expect(await a.see('k')).toBe('put');
    });

    it('is accepted once: a repeated one is refused and changes nothing', async () => {
      const { a } = context();
      const lease = await a.granted('k');
      expect(await a.tier.fill('k', lease, record('one'), false)).toBe(true);
      expect(await a.tier.fill('k', lease, record('two'), false)).toBe(false);
      expect(await a.see('k')).toBe('one');
    });

    it('is not disturbed by what concerns other keys and tags', async () => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await b.tier.invalidateKeys(['other'], 'delete');
      await b.tier.invalidateTags(['other'], 'delete');
      expect(await a.tier.fill('k', lease, record('v', { tags: ['mine'] }), false)).toBe(true);
      expect(await b.see('k')).toBe('v');
    });

    it('with nothing to live for is refused', async () => {
      const { a } = context();
      const lease = await a.granted('k');
      expect(await a.tier.fill('k', lease, record('v', { freshFor: 0 }), false)).toBe(false);
      expect(await a.see('k')).toBeUndefined();
    });

    it('is refused, and old entries are gone, when the coherence state was lost', async () => {
      const { a, b, environment } = context();
      await a.load('old', 'v');
      const lease = await a.granted('k');
      await environment.loseState();
      // Any next step begins a new life of the state.
      await b.tier.invalidateTags(['t'], 'delete');
      expect(await a.tier.fill('k', lease, record('v'), false)).toBe(false);
      expect(await a.see('k')).toBeUndefined();
      expect(await b.see('old')).toBeUndefined();
      await a.load('old', 'again');
      expect(await b.see('old')).toBe('again');
    });
  });
}
