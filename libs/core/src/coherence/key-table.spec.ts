import { describe, expect, it } from '@jest/globals';
import { KeyTable } from './key-table.js';

const thing = (name: string): { readonly name: string } => ({ name });

describe('KeyTable', () => {
  it('keeps the newest value of a key and says what it replaced', () => {
    const table = new KeyTable<{ readonly name: string }>();
    const [first, second] = [thing('first'), thing('second')];

    expect(table.set('k', first)).toBeUndefined();
    expect(table.set('k', second)).toBe(first);
    expect(table.get('k')).toBe(second);
    expect(table.size).toBe(1);
  });

  it('deletes only what is still in its place', () => {
    const table = new KeyTable<{ readonly name: string }>();
    const [first, second] = [thing('first'), thing('second')];
    table.set('k', first);
    table.set('k', second);

    table.delete('k', first);
    expect(table.get('k')).toBe(second);

    table.delete('k', second);
    table.delete('k', second);
    table.delete('never', second);
    expect(table.get('k')).toBeUndefined();
    expect(table.size).toBe(0);
    expect([...table.values()]).toEqual([]);
  });

  it('reuses the place of a deleted key', () => {
    const table = new KeyTable<{ readonly name: string }>();
    for (let round = 0; round < 5_000; round++) {
      const value = thing('again');
      expect(table.set('k', value)).toBeUndefined();
      table.delete('k', value);
    }
    expect(table.size).toBe(0);
    expect(table.places).toBe(1);
  });

  it('keeps no more vacant places than those in use and a few', () => {
    const table = new KeyTable<{ readonly name: string }>();
    const kept = Array.from({ length: 100 }, (_, index) => thing(`kept${index}`));
    for (const value of kept) {
      table.set(value.name, value);
    }
    for (let index = 0; index < 10_000; index++) {
      const value = thing(`k${index}`);
      table.set(value.name, value);
      table.delete(value.name, value);
      expect(table.places).toBeLessThanOrEqual(2 * 100 + 1_024 + 1);
    }
    expect([...table.values()]).toEqual(kept);
    expect(table.size).toBe(100);
  });
});
