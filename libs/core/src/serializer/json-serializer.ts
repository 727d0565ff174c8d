import { Buffer } from 'node:buffer';
import { SerializationError } from '../errors.js';
import type { Serializer } from './serializer.js';
import { checkStorable, fromTyped, toTyped, type ByteForm } from './typed-wire.js';

/** First character of typed text. No JSON text begins with it, so plain text needs no mark and stays readable. */
const TYPED = '~';
const TYPED_BYTE = 0x7e;

const base64: ByteForm = {
  write: (bytes) => bytes.toString('base64'),
  read: (form) => {
    if (typeof form !== 'string') {
      throw new SerializationError('a payload holds bytes that are not base64 text');
    }
    return Buffer.from(form, 'base64');
  },
};

/**
 * The default serializer: JSON text that keeps what JSON loses, namely `undefined` (also as a property or an item), NaN,
 * the infinities, -0, bigint, Date, Map, Set, Buffer, typed arrays, DataView and ArrayBuffer.
 * A value that is plain JSON is written and read by the built-in functions alone.
 * Refuses what `admit` refuses with a SerializationError naming the path; an object with a `toJSON` function is refused
 * like any object holding a function, because the value read back would not be the value stored.
 * An own property named `__proto__` survives as an own property and changes no prototype.
 * Id 1.
 */
export function jsonSerializer(): Serializer {
  return {
    id: 1,
    serialize: (value, plain) =>
      (plain ?? checkStorable(value)) ? JSON.stringify(value) : TYPED + JSON.stringify(toTyped(value, base64)),
    deserialize: (bytes) =>
      bytes[0] === TYPED_BYTE
        ? fromTyped(JSON.parse(bytes.toString('utf8', 1)), base64)
        : JSON.parse(bytes.toString('utf8')),
  };
}
