import { OBJECT_BYTES, SLOT_BYTES, textBytes } from './survey.js';
import { MAX_DEPTH } from './value-kind.js';

/** Not plain data, or too much of it: `admit` has the whole story. */
const UNKNOWN = -1;

/**
 * The short way for what a reader of Redis mostly gets: a value just parsed, held by nobody else, of nothing but objects, arrays, strings,
 * numbers, booleans and null. Estimates its bytes as `surveyValue` does and freezes it in the same walk, where `admit` takes two walks and
 * a dozen allocations. -1 when the value is anything else or beyond `maxBytes`; parts of it may then be frozen already.
 */
export function admitParsed(value: unknown, maxBytes: number, freeze: boolean, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return textBytes(value);
    case 'number':
    case 'boolean':
      return 0;
    case 'object':
      break;
    default:
      return UNKNOWN;
  }
  if (value === null) {
    return 0;
  }
  if (depth === MAX_DEPTH) {
    return UNKNOWN;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const bytes =
    prototype === Object.prototype
      ? bytesOfObject(value as Record<string, unknown>, maxBytes, freeze, depth + 1)
      : prototype === Array.prototype
        ? bytesOfArray(value as unknown[], maxBytes, freeze, depth + 1)
        : UNKNOWN;
  if (freeze && bytes !== UNKNOWN) {
    Object.freeze(value);
  }
  return bytes;
}

function bytesOfObject(value: Record<string, unknown>, maxBytes: number, freeze: boolean, depth: number): number {
  let bytes = OBJECT_BYTES;
  for (const key in value) {
    const own = admitParsed(value[key], maxBytes, freeze, depth);
    bytes += SLOT_BYTES + key.length + own;
    if (own === UNKNOWN || bytes > maxBytes) {
      return UNKNOWN;
    }
  }
  return bytes;
}

function bytesOfArray(value: readonly unknown[], maxBytes: number, freeze: boolean, depth: number): number {
  let bytes = OBJECT_BYTES + SLOT_BYTES * value.length;
  for (const item of value) {
    const own = admitParsed(item, maxBytes, freeze, depth);
    bytes += own;
    if (own === UNKNOWN || bytes > maxBytes) {
      return UNKNOWN;
    }
  }
  return bytes > maxBytes ? UNKNOWN : bytes;
}
