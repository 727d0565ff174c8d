import { beforeEach, describe, expect, it } from '@jest/globals';
import type { L1Fill, L1Store, RemovalListener } from '@strata-cache/core';

/** What every first tier that keeps anything keeps to. `open` makes one with room for at least 10 entries and 10,000 bytes. */
export function l1StoreContract(name: string, open: (onRemoval: RemovalListener) => L1Store): void {
  describe(`${name} keeps the contract of first tiers`, () => {
    let removals: string[];
    let store: L1Store;

    beforeEach(() => {
      removals = [];
      store = open((key, cause) => removals.push(`${key} ${cause}`));
    });

    const fill = (value: unknown, more: Partial<L1Fill> = {}): L1Fill => ({
      value,
      bytes: 100,
      createdAt: 1_000,
      checkAt: 2_000,
      staleAt: 3_000,
      goneAt: 4_000,
      sequence: 7,
      tags: undefined,
      id: '',
      ...more,
    });

    it('keeps what it was given, by slot', () => {
      expect(store.find('a')).toBe(-1);
      expect(store.set('a', fill('one', { tags: ['t'], id: 'id-1' }))).toBe(true);
      const slot = store.find('a');
      expect(slot).toBeGreaterThanOrEqual(0);
      expect(store.keyOf(slot)).toBe('a');
      expect(store.values[slot]).toBe('one');
      expect(store.sequence[slot]).toBe(7);
      expect(store.tagsOf(slot)).toEqual(['t']);
      expect(store.idOf(slot)).toBe('id-1');
      expect([store.createdAt(slot), store.checkAt[slot], store.staleAt(slot), store.goneAt(slot)]).toEqual([
        1_000, 2_000, 3_000, 4_000,
      ]);
      expect([store.size, store.bytes]).toEqual([1, 100]);
    });

    it('undefined, null and false are values', () => {
      for (const value of [undefined, null, false, 0, '']) {
        store.set('a', fill(value));
        expect(store.find('a')).toBeGreaterThanOrEqual(0);
        expect(store.values[store.find('a')]).toBe(value);
      }
    });

    it('a promise is of the value that stands in the slot now, though readers share it', async () => {
      for (const value of [{ n: 1 }, { n: 2 }, undefined, null, 'text']) {
        store.set('a', fill(value));
        const slot = store.find('a');
        const promises = [store.promiseOf(slot), store.promiseOf(slot), store.promiseOf(slot)];
        expect(await Promise.all(promises)).toEqual([value, value, value]);
      }
      store.delete('a', 'deleted');
      store.set('b', fill('other'));
      expect(await store.promiseOf(store.find('b'))).toBe('other');
    });

    it('replaces everything of a key, tags and id included, and counts its bytes anew', () => {
      store.set('a', fill('one', { tags: ['t'], id: 'id-1', bytes: 500 }));
      store.set('a', fill('two', { sequence: 8 }));
      const slot = store.find('a');
      expect([store.values[slot], store.sequence[slot], store.tagsOf(slot) ?? [], store.idOf(slot)]).toEqual([
        'two',
        8,
        [],
        '',
      ]);
      expect([store.size, store.bytes]).toEqual([1, 100]);
      expect(removals).toEqual(['a replaced']);
    });

    it('expire: never fresh again, usable until goneAt', () => {
      store.set('a', fill('one'));
      store.expire(store.find('a'));
      const slot = store.find('a');
      expect(store.staleAt(slot)).toBeLessThanOrEqual(1_000);
      expect(store.checkAt[slot]).toBeLessThanOrEqual(1_000);
      expect(store.goneAt(slot)).toBe(4_000);
    });

    it('revalidate and prolong change what they name', () => {
      store.set('a', fill('one'));
      const slot = store.find('a');
      store.revalidate(slot, 20);
      store.prolong(slot, 5_000, 6_000, 7_000);
      expect([store.sequence[slot], store.checkAt[slot], store.staleAt(slot), store.goneAt(slot)]).toEqual([
        20, 5_000, 6_000, 7_000,
      ]);
    });

    it('delete answers whether there was something, and says why it left', () => {
      store.set('a', fill('one'));
      expect(store.delete('a', 'expired')).toBe(true);
      expect(store.delete('a', 'deleted')).toBe(false);
      expect(store.find('a')).toBe(-1);
      expect([store.size, store.bytes]).toEqual([0, 0]);
      expect(removals).toEqual(['a expired']);
    });

    it('declines what could never fit, and then does not keep the old value either', () => {
      store.set('a', fill('one'));
      expect(store.set('a', fill('huge', { bytes: 2 ** 31 }))).toBe(false);
      expect(store.find('a')).toBe(-1);
    });

    it('keeps its limits by letting others go', () => {
      for (let index = 0; index < 20_000; index++) {
        store.set(`k${index}`, fill(index, { bytes: 10 }));
      }
      expect(removals.length).toBe(20_000 - store.size);
      expect(removals.every((removal) => removal.endsWith(' evicted'))).toBe(true);
    });

    it('clear empties', () => {
      store.set('a', fill('one'));
      store.set('b', fill('two', { tags: ['t'], id: 'x' }));
      store.clear();
      expect([store.find('a'), store.find('b'), store.size, store.bytes]).toEqual([-1, -1, 0, 0]);
      store.set('b', fill('three'));
      expect([store.tagsOf(store.find('b')) ?? [], store.idOf(store.find('b'))]).toEqual([[], '']);
    });

    it('never mixes up entries while keys come and go', () => {
      const expected = new Map<string, number>();
      for (let round = 0; round < 500; round++) {
        const key = `k${(round * 7) % 9}`;
        if (round % 3 === 0) {
          store.delete(key, 'deleted');
          expected.delete(key);
        } else {
          store.set(key, fill(round, { id: `${round}`, tags: [`${round}`] }));
          expected.set(key, round);
        }
        for (const [one, value] of expected) {
          const slot = store.find(one);
          expect([store.values[slot], store.idOf(slot), store.tagsOf(slot)?.[0], store.keyOf(slot)]).toEqual([
            value,
            `${value}`,
            `${value}`,
            one,
          ]);
        }
        expect(store.size).toBe(expected.size);
      }
    });
  });
}
