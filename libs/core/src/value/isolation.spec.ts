import { Buffer } from 'node:buffer';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { alike, objectsIn, storableValue } from '../../../../test/support/storable-values.js';
import { cloneValue } from './clone-value.js';
import { admit, type Admission, type Admitted } from './isolation.js';

const frozen = { isolation: 'frozen', maxBytes: 1_000_000 } as const;

function admitted(value: unknown, options: Parameters<typeof admit>[1] = frozen): Admitted {
  const admission: Admission = admit(value, options);
  if (!admission.ok) {
    throw new Error(`${admission.path}: ${admission.reason}`);
  }
  return admission;
}

/** Every way to change one object through its own surface. */
function mutationsOf(node: any): (() => void)[] {
  if (node instanceof Map) {
    return [() => node.set(1, 1), () => node.delete(1), () => node.clear()];
  }
  if (node instanceof Set) {
    return [() => node.add(1), () => node.delete(1), () => node.clear()];
  }
  if (node instanceof Date) {
    const setters = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'));
    return setters.map((name) => () => (node as any)[name](0));
  }
  const any = Array.isArray(node) ? [() => node.push(1), () => void (node.length = 9)] : [];
  const keys = Object.keys(node).flatMap((key) => [() => void (node[key] = 1), () => void delete node[key]]);
  return [...any, ...keys, () => void (node.added = 1), () => Object.setPrototypeOf(node, { other: 1 })];
}

describe('admit, frozen', () => {
  it('makes every node throw on every mutation, and changes nothing that can be seen', () => {
    fc.assert(
      fc.property(storableValue({ bytes: false }), (value) => {
        const before = cloneValue(value);
        const { value: kept, needsClone } = admitted(value);
        expect(kept).toBe(value);
        expect(needsClone).toBe(false);
        for (const mutate of objectsIn(kept).flatMap(mutationsOf)) {
          expect(mutate).toThrow(TypeError);
        }
        return alike(kept, before);
      }),
      { numRuns: 300 },
    );
  });

  it('says what to do', () => {
    const { value } = admitted(new Map([[1, new Date(0)]])) as { value: any };
    expect(() => value.set(1, 2)).toThrow('this value is cached by Strata and frozen; copy it before you change it');
    expect(new Map(value).set(2, new Date(1)).size).toBe(2);
    expect(Object.keys(value.get(1))).toEqual([]);
    expect(new Date(value.get(1)).setTime(5)).toBe(5);
  });

  it('leaves a refused value untouched, wherever the offence stands', () => {
    class Offence {}
    fc.assert(
      fc.property(storableValue(), storableValue(), fc.boolean(), (first, last, map) => {
        const value = map
          ? new Map<unknown, unknown>([
              [1, first],
              [2, new Offence()],
              [3, last],
            ])
          : [first, { o: new Offence() }, last];
        const admission = admit(value, frozen);
        expect(admission).toMatchObject({ ok: false, cause: 'type', path: map ? '$.get(2)' : '$[1].o' });
        return objectsIn(value).every(
          (node) =>
            Object.isExtensible(node) && Object.getOwnPropertyNames(node).every((name) => !name.startsWith('set')),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('copies what holds bytes, and leaves the original alone', () => {
    const original = { bytes: Buffer.from('abc'), list: [1] };
    const { value, needsClone } = admitted(original);
    expect(needsClone).toBe(true);
    original.bytes[0] = 0;
    original.list.push(2);
    expect(value).toEqual({ bytes: Buffer.from('abc'), list: [1] });
    expect(admitted(value, { ...frozen, owned: true }).value).toBe(value);
  });

  it('accepts one object at two places, and the same value again', () => {
    const shared = { map: new Map([[1, new Date(0)]]) };
    const value = { a: shared, b: [shared, shared.map] };
    expect(admitted(value).value).toBe(value);
    expect(admitted(value)).toMatchObject({ value, needsClone: false });
  });

  it('copies a Map that somebody else has frozen, because it can still be changed', () => {
    const map = Object.freeze(new Map([[1, 1]]));
    const { value, needsClone } = admitted({ map });
    map.set(1, 2);
    expect(needsClone).toBe(true);
    expect(value).toEqual({ map: new Map([[1, 1]]) });
  });

  it.each<[string, () => object, unknown]>([
    ['symbol keys', () => ({ a: [1], [Symbol('s')]: { x: 1 } }), { a: [1] }],
    [
      'non-enumerable properties',
      () => Object.defineProperty({ a: [1] }, '0', { value: new (class A {})() }),
      { a: [1] },
    ],
    ['null prototypes', () => ({ args: Object.assign(Object.create(null), { a: [1] }) }), { args: { a: [1] } }],
    ['array holes', () => Object.assign([], { 1: [1] }), [undefined, [1]]],
  ])('keeps a frozen copy without %s', (_name, make, expected) => {
    const original = make();
    const { value, needsClone } = admitted(original);
    expect(alike(value, expected)).toBe(true);
    expect(needsClone).toBe(false);
    expect(Object.isFrozen(value)).toBe(true);
    expect(Object.isFrozen(original)).toBe(false);
  });

  it('takes values of another realm', () => {
    const value = runInNewContext('({ map: new Map([[1, new Date(5)]]), list: [new Set([1])] })');
    expect(admitted(value).value).toBe(value);
    expect(() => value.map.set(1, 1)).toThrow(TypeError);
    expect(() => value.list[0].add(2)).toThrow(TypeError);
  });

  it('refuses instead of throwing when a getter throws, and shows nothing of the error', () => {
    const value = {
      get price(): never {
        throw new RangeError('secret');
      },
    };
    expect(admit(value, frozen)).toMatchObject({
      ok: false,
      path: '$',
      reason: 'reading it threw an instance of RangeError',
    });
  });
});

describe('admit, cloned and shared', () => {
  it('copies now and on every hit', () => {
    const original = { list: [1] };
    const { value, needsClone } = admitted(original, { ...frozen, isolation: 'cloned' });
    original.list.push(2);
    expect({ value, needsClone }).toEqual({ value: { list: [1] }, needsClone: true });
    expect(admitted('text', { ...frozen, isolation: 'cloned' }).needsClone).toBe(false);
  });

  it('keeps the reference itself, mutable', () => {
    const original = { bytes: Buffer.from('a'), list: [1] };
    const { value, needsClone } = admitted(original, { ...frozen, isolation: 'shared' });
    expect(value).toBe(original);
    expect(needsClone).toBe(false);
    expect(Object.isFrozen(original)).toBe(false);
    expect(admit({ at: class {} }, { ...frozen, isolation: 'shared' })).toMatchObject({ ok: false, path: '$.at' });
  });
});

describe('admit, limits and findings', () => {
  it('finds cycles where they close', () => {
    const tree: any = { children: [{ name: 'a' }, { name: 'b' }] };
    tree.children[1].parent = tree;
    expect(admit(tree, frozen)).toMatchObject({ ok: false, cause: 'cycle', path: '$.children[1].parent' });
    const self = new Map<string, unknown>();
    self.set('me', self);
    expect(admit({ self }, frozen)).toMatchObject({ ok: false, cause: 'cycle', path: '$.self.get("me")' });
    expect(Object.isFrozen(tree)).toBe(false);
  });

  it('finds a cycle also where the size limit is met first', () => {
    const node: any = { text: 'x'.repeat(1_000) };
    node.left = node;
    node.right = node;
    expect(admit(node, { ...frozen, maxBytes: 10_000 })).toMatchObject({ ok: false, cause: 'cycle', path: '$.left' });
  });

  it('stops at the depth limit', () => {
    const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)]);
    expect(admit(nest(256), frozen).ok).toBe(true);
    expect(admit(nest(257), frozen)).toMatchObject({
      ok: false,
      cause: 'depth',
      reason: 'nested deeper than 256 levels; flatten it',
    });
    expect(admit(nest(4), { ...frozen, maxDepth: 3 })).toMatchObject({ cause: 'depth', path: '$[0][0][0]' });
  });

  it('stops at the size limit, also where sharing multiplies', () => {
    expect(admit(['x'.repeat(100), 'y'], { ...frozen, maxBytes: 99 })).toMatchObject({ cause: 'size', path: '$' });
    let doubled: unknown = { a: 1 };
    for (let level = 0; level < 100; level++) {
      doubled = [doubled, doubled];
    }
    expect(admit(doubled, frozen)).toMatchObject({ ok: false, cause: 'size', reason: 'larger than 1000000 bytes' });
  });

  it.each<[string, unknown, number]>([
    ['latin1 text', 'x'.repeat(1_000), 1_000],
    ['other text', '漢'.repeat(1_000), 2_000],
    ['numbers in a list', Array.from({ length: 100 }, () => 1), 824],
    ['bytes', Buffer.alloc(1_000), 1_096],
    ['a property', { name: 'Ann' }, 24 + 8 + 4 + 3],
    ['a huge bigint', 2n ** 8_000n, 24 + 1_000.5],
  ])('estimates %s', (_name, value, bytes) => {
    expect(admitted(value).bytes).toBe(bytes);
  });

  it.each<[string, unknown, boolean]>([
    ['JSON', { a: [1, 'x', null, { b: true }] }, true],
    ['an undefined property', { a: undefined }, false],
    ['-0', [-0], false],
    ['NaN', [NaN], false],
    ['a Date', { at: new Date(0) }, false],
    ['symbol keys, which the kept copy no longer has', { a: 1, [Symbol('s')]: 1 }, true],
    ['a hole', Object.assign([], { length: 1 }), false],
  ])('knows whether JSON text says it all: %s', (_name, value, plain) => {
    expect(admitted(value).plain).toBe(plain);
  });
});

describe('cloneValue', () => {
  it('gives an equal value that shares no object with the original', () => {
    fc.assert(
      fc.property(storableValue(), (value) => {
        const copy = cloneValue(value);
        const originals = new Set(objectsIn(value));
        expect(objectsIn(copy).filter((node) => originals.has(node))).toEqual([]);
        return alike(copy, value);
      }),
      { numRuns: 300 },
    );
  });

  it('gives a mutable copy of a frozen value', () => {
    const { value } = admitted({
      map: new Map([[1, [1]]]),
      at: new Date(0),
      own: JSON.parse('{"__proto__":{"polluted":1}}'),
    });
    const copy = cloneValue(value) as { map: Map<number, number[]>; at: Date; own: object };
    copy.map.set(2, []);
    copy.map.get(1)?.push(2);
    expect(copy.at.setTime(7)).toBe(7);
    expect(copy.map).toEqual(
      new Map([
        [1, [1, 2]],
        [2, []],
      ]),
    );
    expect(Object.getPrototypeOf(copy.own)).toBe(Object.prototype);
    expect(copy.map instanceof Map && copy.at instanceof Date).toBe(true);
  });
});
