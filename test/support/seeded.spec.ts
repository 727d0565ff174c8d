import { describe, expect, it } from '@jest/globals';
import { Seeded } from './seeded.js';

const draws = (random: Seeded): number[] => Array.from({ length: 20 }, () => random.int(0, 1_000));

describe('Seeded', () => {
  it('gives the same run for the same seed and another for another', () => {
    expect(draws(new Seeded(7))).toEqual(draws(new Seeded(7)));
    expect(draws(new Seeded(7))).not.toEqual(draws(new Seeded(8)));
  });

  it('keeps int within both ends and reaches both', () => {
    const random = new Seeded(1);
    const seen = new Set(Array.from({ length: 1_000 }, () => random.int(-1, 2)));
    expect([...seen].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
  });

  it('spreads its draws evenly enough for a schedule', () => {
    const random = new Seeded(2);
    const hits = Array.from({ length: 100_000 }, () => random.chance(0.25)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(24_000);
    expect(hits).toBeLessThan(26_000);
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
  });

  it('shuffles without losing items or touching the list given', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const mixed = new Seeded(3).shuffle(items);
    expect(mixed).not.toEqual(items);
    expect(mixed.toSorted((a, b) => a - b)).toEqual(items);
    expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('picks from the list and refuses an empty one', () => {
    expect(['a', 'b']).toContain(new Seeded(4).pick(['a', 'b']));
    expect(() => new Seeded(4).pick([])).toThrow(RangeError);
  });

  it('forks a source that does not follow the parent', () => {
    const parent = new Seeded(5);
    const child = parent.fork();
    expect(draws(child)).not.toEqual(draws(parent));
    expect(draws(new Seeded(5).fork())).toEqual(draws(new Seeded(5).fork()));
    expect(new Seeded(6).bytes(16)).toEqual(new Seeded(6).bytes(16));
  });
});
