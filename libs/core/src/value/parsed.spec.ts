import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { admit } from './isolation.js';
import { admitParsed } from './parsed.js';

const MOST = 100_000;

function isDeepFrozen(value: unknown): boolean {
  return (
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen))
  );
}

describe('admitParsed', () => {
  it('says of parsed JSON what admit says: the same bytes, frozen throughout', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        const value: unknown = JSON.parse(text);
        const admitted = admit(JSON.parse(text), { isolation: 'frozen', maxBytes: MOST, owned: true });
        expect(admitParsed(value, MOST, true)).toBe(admitted.ok ? admitted.bytes : -1);
        expect(isDeepFrozen(value)).toBe(true);
      }),
    );
  });

  it('freezes nothing unless asked to', () => {
    const value = JSON.parse('{"a":[{"b":1}],"__proto__":{"c":2}}') as { a: object[] };
    expect(admitParsed(value, MOST, false)).toBeGreaterThan(0);
    expect([value, value.a, value.a[0]].some((part) => Object.isFrozen(part))).toBe(false);
  });

  it('leaves everything else to admit', () => {
    const others = [
      undefined,
      1n,
      () => 1,
      Symbol('s'),
      new Date(),
      new Map(),
      new Set(),
      Buffer.alloc(1),
      Object.create(null),
    ];
    for (const other of [...others, new (class A {})(), new (class B extends Array {})()]) {
      expect(admitParsed(other, MOST, true)).toBe(-1);
      expect(admitParsed({ deep: [other] }, MOST, true)).toBe(-1);
    }
  });

  it('leaves what is too large or too deep to admit, which refuses it with a reason', () => {
    expect(admitParsed({ text: 'x'.repeat(MOST) }, MOST, true)).toBe(-1);
    expect(
      admitParsed(
        Array.from({ length: MOST }, () => 1),
        MOST,
        true,
      ),
    ).toBe(-1);
    let deep: unknown = 1;
    for (let level = 0; level < 256; level++) deep = [deep];
    expect(admitParsed(deep, MOST, true)).toBeGreaterThan(0);
    expect(admitParsed([deep], MOST, true)).toBe(-1);
  });
});
