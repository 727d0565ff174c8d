import { Buffer } from 'node:buffer';
import { kindOf } from './value-kind.js';

/**
 * A mutable copy of a storable value: nothing in it is shared with the original except primitives.
 * Copies data, as JSON and `structuredClone` do: own enumerable properties with string keys. Symbol keys, non-enumerable
 * properties and extra properties of arrays are left out, getters become their value, array holes become `undefined`,
 * a null prototype becomes `Object.prototype`. What has no wire form is passed on as it is.
 * Own, because `structuredClone` costs five times as much and gives another realm's Map under jest.
 * Expects what `admit` has accepted: a cycle would overflow the stack.
 */
export function cloneValue<Value>(value: Value): Value;
export function cloneValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  switch (kindOf(value)) {
    case 'object':
      return cloneObject(value as Record<string, unknown>);
    case 'array':
      return cloneArray(value as unknown[]);
    case 'date':
      return new Date((value as Date).getTime());
    case 'map': {
      const copy = new Map();
      for (const [key, item] of value as Map<unknown, unknown>) {
        copy.set(cloneValue(key), cloneValue(item));
      }
      return copy;
    }
    case 'set': {
      const copy = new Set();
      for (const item of value as Set<unknown>) {
        copy.add(cloneValue(item));
      }
      return copy;
    }
    case 'buffer':
      return Buffer.from(value as Buffer);
    case 'typed-array':
      return (value as Uint8Array).slice();
    case 'array-buffer':
      return (value as ArrayBuffer).slice(0);
    case 'data-view': {
      const { buffer, byteOffset, byteLength } = value as DataView;
      return new DataView(buffer.slice(byteOffset, byteOffset + byteLength));
    }
    default:
      return value;
  }
}

function cloneObject(value: Record<string, unknown>): Record<string, unknown> {
  // A spread defines properties instead of assigning them: an own `__proto__` stays a property and pollutes nothing.
  const copy = { ...value };
  for (const key in copy) {
    const item = copy[key];
    if (typeof item === 'object' && item !== null) {
      copy[key] = cloneValue(item);
    }
  }
  for (const symbol of Object.getOwnPropertySymbols(copy)) {
    delete (copy as Record<symbol, unknown>)[symbol];
  }
  return copy;
}

function cloneArray(value: readonly unknown[]): unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    copy.push(cloneValue(value[index]));
  }
  return copy;
}
