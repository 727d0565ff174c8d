import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeyPart } from '@strata-cache/core';
import { encodeKey, encodeTenant, MAX_KEY_LENGTH } from '../../libs/core/src/key.js';

const seed = Number(process.env['STRATA_SEED'] ?? 20_260);

/** Text that is likely to collide: separators, marks, digits, escapes, lone surrogates, and what is nearly too long. */
const hostile = fc.array(
  fc.constantFrom(
    ':',
    '#',
    '!',
    '~',
    '@',
    '|',
    '%',
    '1',
    '0',
    'a',
    't',
    'n',
    'e',
    '0025',
    '\ud83d',
    '\ude00',
    '\u0000',
    '\r\n',
    '{',
    '}',
    'é',
    '%003a',
  ),
  { maxLength: 6 },
);
const text = fc.oneof(
  hostile.map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc
    .tuple(fc.constantFrom('x', '\ud83d\ude00', ':'), fc.integer({ min: 25, max: 210 }), fc.constantFrom('', 'a', 'b'))
    .map(([unit, count, end]) => unit.repeat(count) + end),
);
const part: fc.Arbitrary<KeyPart> = fc.oneof(
  { weight: 5, arbitrary: text },
  {
    weight: 2,
    arbitrary: fc.oneof(fc.integer({ min: -2, max: 12 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
  },
  fc.boolean(),
  fc.constant(null),
);
const tuple = fc.array(part, { maxLength: 4 });
const tenant = fc.option(
  fc.oneof(
    text.filter((name) => name !== ''),
    fc.integer({ min: 0, max: 12 }),
  ),
  { nil: undefined },
);

/** What makes two keys the same: the types and values of their parts; `0` and `-0` are one number. */
function identity(parts: readonly KeyPart[], owner: string | number | undefined): string {
  const name = (value: unknown): string =>
    `${typeof value}(${String(value).length}):${value === 0 ? 0 : String(value)}`;
  return [name(owner), ...parts.map(name)].join('\u0001');
}

function encoded(parts: readonly KeyPart[], owner: string | number | undefined): string {
  return (owner === undefined ? '' : encodeTenant('c', owner)) + encodeKey('c', parts);
}

describe('encoded keys', () => {
  it('are injective over 100,000 hostile keys and tenants', () => {
    const seen = new Map<string, string>();
    let cases = 0;
    fc.assert(
      fc.property(tuple, tenant, (parts, owner) => {
        cases++;
        const key = encoded(parts, owner);
        const who = identity(parts, owner);
        const other = seen.get(key);
        seen.set(key, who);
        return other === undefined || other === who;
      }),
      { numRuns: 100_000, seed },
    );
    expect(cases).toBe(100_000);
    // Not vacuous: many keys were really different.
    expect(seen.size).toBeGreaterThan(30_000);
  });

  it('are bounded, well formed, and free of what moves slots, globs or breaks lines', () => {
    fc.assert(
      fc.property(tuple, (parts) => {
        const key = encodeKey('c', parts);
        return key.length <= MAX_KEY_LENGTH && Buffer.from(key).toString() === key && !/[{}*?[\]|@\r\n\t]/.test(key);
      }),
      { numRuns: 20_000, seed },
    );
  });

  it('of a neighbour differ: one part split, joined, retyped or moved', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const keys = [
          [one, other],
          [`${one}:${other}`],
          [one + other],
          [`${one}:`, other],
          [one, `:${other}`],
          [one, other, ''],
          ['', one, other],
        ];
        const different = new Map(keys.map((key) => [identity(key, undefined), key]));
        return new Set([...different.values()].map((key) => encodeKey('c', key))).size === different.size;
      }),
      { numRuns: 20_000, seed },
    );
  });

  it('a bare argument is its tuple', () => {
    fc.assert(
      fc.property(part, (value) => encodeKey('c', value) === encodeKey('c', [value])),
      { seed },
    );
  });

  it('a long key keeps a readable beginning', () => {
    expect(encodeKey('c', `order:${'9'.repeat(300)}`)).toMatch(/^order%003a9+~[\w-]{43}$/);
  });
});
