import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EntryTimes } from './entry-times.js';

const DAY = 86_400_000;

function filled(createdAt: number, checkAt: number, staleAt: number, goneAt: number): EntryTimes {
  const times = new EntryTimes(4);
  times.fill(2, { value: 0, bytes: 0, createdAt, checkAt, staleAt, goneAt, sequence: 0, tags: undefined, id: '' });
  return times;
}

function read(times: EntryTimes): number[] {
  return [times.createdAt(2), times.checkAt[2], times.staleAt(2), times.goneAt(2)];
}

describe('EntryTimes', () => {
  const span = fc.double({ min: 0, max: 40 * DAY, noNaN: true });
  const instant = fc.double({ min: 0, max: 1e10, noNaN: true });

  it('gives whole milliseconds back exactly', () => {
    const ms = fc.integer({ min: 0, max: 20 * DAY });
    fc.assert(
      fc.property(ms, ms, ms, ms, (createdAt, a, b, c) => {
        const asked = [createdAt, createdAt + a, createdAt + a + b, createdAt + a + b + c];
        expect(read(filled(createdAt, asked[1], asked[2], asked[3]))).toEqual(asked);
      }),
    );
  });

  it('is exact in checkAt and at most 1 ms early in the others, never late', () => {
    fc.assert(
      fc.property(instant, span, fc.double({ min: 0, max: DAY, noNaN: true }), span, (createdAt, a, b, c) => {
        const asked = [createdAt, createdAt + a, createdAt + a + b, createdAt + a + b + c];
        const got = read(filled(createdAt, asked[1], asked[2], asked[3]));
        expect(got[1]).toBe(asked[1]);
        got.forEach((at, which) => {
          expect(at).toBeLessThanOrEqual(asked[which] + 1e-5);
          expect(at).toBeGreaterThan(asked[which] - 1 - 1e-5);
        });
      }),
    );
  });

  it('stale and gone at checkAt stay exactly that, without columns of their own', () => {
    expect(read(filled(0.25, 100.75, 100.75, 100.75))[2]).toBe(100.75);
    expect(read(filled(0.25, 100.75, 100.75, 100.75))[3]).toBe(100.75);
  });

  it('takes endless lives: checked after 49 days at the latest, stale and gone never', () => {
    const times = filled(1_000, Infinity, Infinity, Infinity);
    expect(times.checkAt[2]).toBeGreaterThan(1_000 + 49 * DAY);
    expect(Number.isFinite(times.checkAt[2])).toBe(true);
    expect([times.createdAt(2), times.staleAt(2), times.goneAt(2)]).toEqual([1_000, Infinity, Infinity]);
    times.expire(2);
    expect([times.createdAt(2), times.staleAt(2), times.goneAt(2)]).toEqual([1_000, 1_000, Infinity]);
    times.prolong(2, Infinity, Infinity, Infinity);
    expect([times.createdAt(2), times.staleAt(2)]).toEqual([1_000, Infinity]);
  });

  it('keeps a ttl of 60 days, checked early, and cuts grace to 49 days', () => {
    const times = filled(0, 60 * DAY, 60 * DAY, 60 * DAY + 90 * DAY);
    expect(times.checkAt[2]).toBeLessThan(50 * DAY);
    expect(times.staleAt(2)).toBe(60 * DAY);
    expect(times.goneAt(2)).toBeGreaterThan(98 * DAY);
  });

  it('can be prolonged for years; only the age stops at 49 days', () => {
    const times = filled(0, DAY, DAY, DAY);
    for (let day = 2; day < 800; day++) times.prolong(2, day * DAY, day * DAY, day * DAY);
    expect(times.checkAt[2]).toBe(799 * DAY);
    expect(799 * DAY - times.createdAt(2)).toBeGreaterThan(49 * DAY);
  });

  it('raises instants before createdAt to it, and checkAt is never after staleAt', () => {
    expect(read(filled(500, -Infinity, -Infinity, 900))).toEqual([500, 500, 500, 900]);
    expect(read(filled(500, 0, 700, 900))).toEqual([500, 500, 700, 900]);
    expect(read(filled(500, 800, 700, 900))).toEqual([500, 700, 700, 900]);
  });
});
