import { Buffer } from 'node:buffer';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { alike, storableValue } from '../../../../test/support/storable-values.js';
import { SerializationError } from '../errors.js';
import { jsonSerializer } from './json-serializer.js';

const { serialize, deserialize } = jsonSerializer();
const text = (value: unknown): string => String(serialize(value));
const read = (wire: string): any => deserialize(Buffer.from(wire));
const back = (value: unknown): any => read(text(value));

function refusal(value: unknown): SerializationError {
  try {
    serialize(value);
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    return error as SerializationError;
  }
  throw new Error('was not refused');
}

describe('jsonSerializer', () => {
  it('gives back every storable value', () => {
    fc.assert(
      fc.property(storableValue(), (value) => alike(back(value), value)),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an undefined property and item', { a: undefined, b: [undefined] }],
    ['-0', { zero: -0 }],
    ['NaN and the infinities', [NaN, Infinity, -Infinity]],
    ['a large negative bigint', -(2n ** 200n)],
    ['an invalid Date', new Date(NaN)],
    ['a Map with object keys', new Map([[{ a: 1 }, new Map([[1, 2]])]])],
    ['a slice of a larger buffer', new Float32Array(new ArrayBuffer(32), 8, 2).fill(1.5)],
    ['objects that look like tags', [{ '~d': 1 }, { '~u': 0 }, { '~o': { '~o': 1 } }, { '~': undefined }]],
  ])('keeps %s', (_name, value) => {
    expect(alike(back(value), value)).toBe(true);
  });

  it('gives instances of this realm', () => {
    const value = back({ map: new Map(), set: new Set(), date: new Date(), view: new Float64Array(1) });
    expect([value.map instanceof Map, value.set instanceof Set, value.date instanceof Date]).toEqual([
      true,
      true,
      true,
    ]);
    expect(value.view).toBeInstanceOf(Float64Array);
  });

  it('takes values of another realm', () => {
    const foreign = runInNewContext('({ map: new Map([[1, new Date(5)]]), list: [new Set([1n])], bare: {} })');
    expect(alike(back(foreign), { map: new Map([[1, new Date(5)]]), list: [new Set([1n])], bare: {} })).toBe(true);
  });

  it('writes plain values as plain JSON text, read without a reviver', () => {
    const plain = { id: '~1', list: [1, null, { a: 'b' }], '~m': [1], n: { '~u': 0, more: 1 } };
    expect(text(plain)).toBe(JSON.stringify(plain));
    const parse = jest.spyOn(JSON, 'parse');
    back(plain);
    expect(parse.mock.calls).toEqual([[JSON.stringify(plain)]]);
    parse.mockRestore();
  });

  it('trusts what admit found out', () => {
    const stringify = jest.spyOn(JSON, 'stringify');
    expect(serialize({ a: 1 }, true)).toBe('{"a":1}');
    expect(serialize({ a: 1 }, false)).toBe('~{"a":1}');
    expect(stringify).toHaveBeenCalledTimes(2);
    stringify.mockRestore();
  });

  class Money {}
  class Ids extends Map {}
  const cyclic: Record<string, unknown> = { list: [] };
  (cyclic.list as unknown[]).push({ parent: cyclic });

  it.each<[string, unknown, string]>([
    ['a function', { items: [0, 1, 2, { price: () => 1 }] }, '$.items[3].price'],
    ['a symbol', [Symbol('x')], '$[0]'],
    ['a class instance', { items: [0, 1, 2, { price: new Money() }] }, '$.items[3].price'],
    ['a subclass of Map', { ids: new Ids() }, '$.ids'],
    ['an Error', { 'odd key': new Error('secret') }, '$["odd key"]'],
    ['a Promise', new Map([['p', Promise.resolve(1)]]), '$.get("p")'],
    ['a WeakMap', new Set([1, new WeakMap()]), '$.values()[1]'],
    ['a RegExp as a Map key', new Map([[/a/, 1]]), '$.keys()[0]'],
    ['a boxed number', { n: Object(1) }, '$.n'],
    ['toJSON', { when: { toJSON: () => 1 } }, '$.when.toJSON'],
    ['a SharedArrayBuffer', [new SharedArrayBuffer(1)], '$[0]'],
    ['a cycle', cyclic, '$.list[0].parent'],
  ])('refuses %s and names the path', (_name, value, path) => {
    const error = refusal(value);
    expect(error.path).toBe(path);
    expect(error.message).toContain(`${path}: `);
    expect(error.message).not.toContain('secret');
  });

  it('says what to do about a class instance', () => {
    expect(refusal({ price: new Money() }).message).toBe(
      '$.price: an instance of Money cannot be stored; return plain data or declare hydrate, e.g. hydrateAs(TheClass)',
    );
  });

  it('refuses what is nested too deep instead of overflowing', () => {
    let deep: unknown = undefined;
    for (let level = 0; level < 200_000; level++) {
      deep = [deep];
    }
    expect(refusal(deep).message).toMatch(/nested deeper than 256 levels/);
    expect(() => read(`~${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toThrow(SerializationError);
    expect(() => read(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).not.toThrow();
  });

  it('keeps an own __proto__ as an own property and pollutes nothing', () => {
    for (const wire of ['{"__proto__":{"polluted":1}}', '~{"__proto__":{"polluted":{"~n":"NaN"}},"a":1}']) {
      const value = read(wire);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.hasOwn(value, '__proto__')).toBe(true);
      expect(alike(back(value), value)).toBe(true);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(['', '{', '~', '~{"~q":1}', '~{"~b":"12x"}', '~{"~d":"x"}', '~{"~m":[1]}', '~{"~s":1}', '~{"~B":1}'])(
    'throws on %s',
    (wire) => {
      expect(() => read(wire)).toThrow();
    },
  );

  it.each([
    '~{"~n":"7"}',
    '~{"~t":["Function","YQ=="]}',
    '~{"~t":["Float64Array","YQ=="]}',
    '~{"~o":[1]}',
    '~{"~t":1}',
  ])('throws on the malformed tag %s', (wire) => {
    expect(() => read(wire)).toThrow();
  });
});
