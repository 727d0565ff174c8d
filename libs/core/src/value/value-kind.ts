import { Buffer } from 'node:buffer';
import { types } from 'node:util';

/** The objects a cache may hold: plain data and the built-ins that have a wire form. Everything else is refused. */
export type ValueKind =
  'object' | 'array' | 'date' | 'map' | 'set' | 'buffer' | 'typed-array' | 'array-buffer' | 'data-view';

/** Containers within containers, at most: deeper values are refused before they can overflow the stack of a walker. */
export const MAX_DEPTH = 256;

/**
 * What an object is, judged by its internal slots and the length of its prototype chain rather than by `instanceof`:
 * a value may come from another realm (a `vm` context, `structuredClone` under jest), where `instanceof Map` is false.
 * A subclass has a longer chain and is therefore a class instance: `undefined`, like every other unsupported type.
 */
export function kindOf(value: object): ValueKind | undefined {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    // `Array.prototype` of any realm is itself an array; the prototype of a subclass is not.
    return Array.isArray(prototype) ? 'array' : undefined;
  }
  if (prototype === Object.prototype || prototype === null) {
    return 'object';
  }
  if (prototype === Buffer.prototype) {
    return types.isUint8Array(value) ? 'buffer' : undefined;
  }
  const depth = chainLength(prototype);
  if (depth === 3) {
    return types.isTypedArray(value) ? 'typed-array' : undefined;
  }
  if (depth === 2) {
    return builtIn(value);
  }
  // `Object.prototype` of another realm.
  return depth === 1 && Object.hasOwn(prototype, 'isPrototypeOf') ? 'object' : undefined;
}

/** What a value is, for a message: its type or its class, never its contents. */
export function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return value === null || value === undefined ? String(value) : `a ${typeof value}`;
  }
  const constructor: unknown = value.constructor;
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'an instance of an unnamed class' : `an instance of ${name}`;
}

function builtIn(value: object): ValueKind | undefined {
  if (types.isDate(value)) {
    return 'date';
  }
  if (types.isMap(value)) {
    return 'map';
  }
  if (types.isSet(value)) {
    return 'set';
  }
  if (types.isArrayBuffer(value)) {
    return 'array-buffer';
  }
  return types.isDataView(value) ? 'data-view' : undefined;
}

/** 1 for `Object.prototype`, 2 for `Map.prototype`, 3 for `Uint8Array.prototype`; more than 3 is not told apart. */
function chainLength(prototype: object): number {
  let length = 1;
  for (let next = Object.getPrototypeOf(prototype); next !== null && length < 4; next = Object.getPrototypeOf(next)) {
    length++;
  }
  return length;
}
