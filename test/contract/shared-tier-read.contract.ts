import { describe, expect, it } from '@jest/globals';
import type { Context } from './shared-tier.harness.js';

const HOSTILE_KEYS = [
  'plain',
  '{}',
  '{other}',
  'a}b{c',
  'line\nbreak\r\n',
  'nul\0',
  'tab\t space',
  'grüße-日本-🙂',
  '*?[a-z]',
  '__proto__',
  'constructor',
  ':',
  'a:b|c',
  '"quoted"\\',
  'x'.repeat(200),
];

export function readContract(context: Context): void {
  describe('reading', () => {
    it('answers absent with an empty id for what was never stored', async () => {
      const { a } = context();
      expect(await a.read('nothing')).toEqual({ status: 'absent', id: '' });
    });

    it('gives every instance what one stored, in every field', async () => {
      const { a, b } = context();
      const options = { tags: ['x', 'y:z', 'ü'], format: 5, schema: 65_535, freshFor: 50_000, graceFor: 7_000 };
      const stored = await a.load('k', 'value', options);
      const read = await b.read('k');
      if (read.status !== 'found') throw new Error(read.status);
      expect(read.record).toMatchObject({ ...options, id: stored.id, stale: false });
      expect(read.record.payload).toEqual(Buffer.from('value'));
      expect(read.record.age).toBeGreaterThanOrEqual(0);
      expect(read.record.age).toBeLessThan(20_000);
    });

    it.each([
      ['empty', Buffer.alloc(0)],
      ['binary', Buffer.from([0, 255, 10, 13, 0])],
      ['large', Buffer.alloc(200_000, 'é')],
    ])('keeps an %s payload byte for byte', async (_name, payload) => {
      const { a, b } = context();
      await a.load('k', '', { payload, tags: ['t'] });
      const read = await b.read('k');
      expect(read.status === 'found' && read.record.payload.equals(payload)).toBe(true);
    });

    it('answers "same" for a known entry, and the record once it was replaced', async () => {
      const { a, b } = context();
      const first = await a.load('k', 'one', { tags: ['t'] });
      expect(await b.read('k', first.id)).toMatchObject({ status: 'same', freshFor: 60_000, graceFor: 0 });
      expect((await b.read('k', 'ffffffffffffffff')).status).toBe('found');
      const second = await a.load('k', 'two', { tags: ['t'] });
      expect(await b.read('k', first.id)).toMatchObject({ status: 'found', text: 'two' });
      expect((await b.read('k', second.id)).status).toBe('same');
    });

    it('never answers "same" for a known entry that is stale, and absent for one that is gone', async () => {
      const { a, b } = context();
      const soft = await a.load('soft', 'v', { graceFor: 60_000 });
      const hard = await a.load('hard', 'v', { tags: ['t'], graceFor: 60_000 });
      await a.tier.invalidateKeys(['soft'], 'expire');
      await a.tier.invalidateTags(['t'], 'delete');
      expect(await b.read('soft', soft.id)).toMatchObject({ status: 'found', record: { stale: true } });
      expect(await b.read('hard', hard.id)).toMatchObject({ status: 'absent' });
    });

    it('ages entries by its own clock: fresh, then stale within grace, then gone', async () => {
      const { a, b, environment } = context();
      await a.load('k', 'v', { freshFor: 150, graceFor: 600_000 });
      await a.load('g', 'v', { freshFor: 100, graceFor: 50 });
      expect(await b.see('k')).toBe('v');
      await environment.advance(160);
      expect(await b.see('k')).toBe('v (stale)');
      expect(await b.see('g')).toBeUndefined();
      const read = await b.read('k');
      expect(read.status === 'found' && read.record.age).toBeGreaterThanOrEqual(150);
    });

    it('keeps hostile keys apart, through reading, leasing, deleting and announcing', async () => {
      const { a, b } = context();
      await Promise.all(HOSTILE_KEYS.map((key, index) => a.load(key, `v${index}`)));
      expect(await Promise.all(HOSTILE_KEYS.map((key) => b.see(key)))).toEqual(
        HOSTILE_KEYS.map((_, index) => `v${index}`),
      );
      for (const [index, key] of HOSTILE_KEYS.entries()) {
        await a.tier.invalidateKeys([key], 'delete');
        expect(await b.see(key)).toBeUndefined();
        const next = HOSTILE_KEYS[index + 1];
        if (next !== undefined) expect(await b.see(next)).toBe(`v${index + 1}`);
      }
    });

    it('answers many reads of one tick, each its own, whether present, absent or known', async () => {
      const { a, b } = context();
      const keys = Array.from({ length: 700 }, (_, index) => `many${index}`);
      await Promise.all(keys.filter((_, index) => index % 2 === 0).map((key) => a.load(key, key, { tags: ['t'] })));
      await a.tier.invalidateTags(['other'], 'delete');
      const seen = await Promise.all(keys.map((key) => b.see(key)));
      expect(seen).toEqual(keys.map((key, index) => (index % 2 === 0 ? key : undefined)));
    });

    it('picks shards within bounds, the same in every instance', () => {
      const { a, b } = context();
      for (const key of HOSTILE_KEYS) {
        const shard = a.tier.shardOf(key);
        expect(shard).toBe(b.tier.shardOf(key));
        expect(shard >= 0 && shard < a.tier.shards && Number.isInteger(shard)).toBe(true);
      }
      expect(a.bus.shards).toBe(a.tier.shards);
    });
  });
}
