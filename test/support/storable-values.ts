import { Buffer } from 'node:buffer';
import { isDeepStrictEqual, types } from 'node:util';
import fc from 'fast-check';
import { kindOf } from '../../libs/core/src/value/value-kind.js';

const key = fc.oneof(
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'length', '~', '~u', '~m', '~o', '~t', '~B', '~unknown'),
);

const primitive = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(null, undefined, true, false, -0, NaN, Infinity, -Infinity, '~', '\ud800', 0n),
  fc.bigInt(),
);

const binary = fc.oneof(
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array(),
  fc.int16Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
  fc.uint8Array().map((bytes) => new DataView(new Uint8Array(bytes).buffer)),
);

/** Any value a cache may hold; `bytes: false` leaves out what cannot be frozen. */
export function storableValue({ bytes = true }: { bytes?: boolean } = {}): fc.Arbitrary<unknown> {
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      bytes ? fc.oneof(primitive, fc.date({ noInvalidDate: false }), binary) : fc.oneof(primitive, fc.date()),
      fc.array(tie('tree'), { maxLength: 5 }),
      // `fromEntries` defines properties, so `__proto__` becomes an own one.
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(tie('tree'), { maxLength: 4 }).map((items) => new Set(items)),
    ),
  }));
  return tree;
}

/** Every object in a value, itself included. */
export function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  if (types.isMap(value)) {
    return [value, ...[...value].flat(1).flatMap(objectsIn)];
  }
  if (types.isSet(value)) {
    return [value, ...[...value].flatMap(objectsIn)];
  }
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)
    ? [value]
    : [value, ...Object.values(value).flatMap(objectsIn)];
}

/**
 * Deep equality that tells apart -0 and 0, `undefined` and absent, a Buffer and a Uint8Array, orders and prototypes.
 * Node's `isDeepStrictEqual` comes close, but finds two invalid Dates unequal.
 */
export function alike(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) {
    return Object.is(left, right);
  }
  if (types.isDate(left) && types.isDate(right)) {
    return Object.is(left.getTime(), right.getTime());
  }
  if (types.isMap(left) && types.isMap(right)) {
    return alike([...left], [...right]);
  }
  if (types.isSet(left) && types.isSet(right)) {
    return alike([...left], [...right]);
  }
  if (ArrayBuffer.isView(left) || types.isAnyArrayBuffer(left)) {
    return isDeepStrictEqual(left, right);
  }
  return alikeProperties(left as Record<string, unknown>, right as Record<string, unknown>);
}

function alikeProperties(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  const keys = Object.keys(left);
  return (
    Array.isArray(left) === Array.isArray(right) &&
    kindOf(left) === kindOf(right) &&
    isDeepStrictEqual(keys, Object.keys(right)) &&
    keys.every((key) => alike(left[key], right[key]))
  );
}
