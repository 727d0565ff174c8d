import { describe, expect, it } from '@jest/globals';
import { messagePackSerializer } from '@strata-cache/core';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { Buffer } from 'node:buffer';
import { alike, storableValue } from '../support/storable-values.js';

const LONE_SURROGATE = /\p{Cs}/u;

/** Without the two exceptions the serializer documents: half surrogate pairs, and properties called `__proto__`. */
function fitsMessagePack(value: unknown): boolean {
  if (typeof value === 'string') return !LONE_SURROGATE.test(value);
  if (value instanceof Map) return [...value].flat(1).every(fitsMessagePack);
  if (value instanceof Set) return [...value].every(fitsMessagePack);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  return Object.entries(value).every(
    ([key, item]) => key !== '__proto__' && fitsMessagePack(key) && fitsMessagePack(item),
  );
}

describe('messagePackSerializer with msgpackr', () => {
  const serializer = messagePackSerializer(new Packr());

  it('gives back every storable value', () => {
    fc.assert(
      fc.property(storableValue().filter(fitsMessagePack), (value) =>
        alike(serializer.deserialize(Buffer.from(serializer.serialize(value) as Uint8Array)), value),
      ),
      { numRuns: 1_000 },
    );
  });

  it('half a surrogate pair is replaced, __proto__ is renamed and pollutes nothing', () => {
    const back = (value: unknown): unknown =>
      serializer.deserialize(Buffer.from(serializer.serialize(value) as Uint8Array));
    expect(back('\ud800')).toMatch(/^\ufffd+$/);
    const value = back(JSON.parse('{"__proto__":{"polluted":1}}')) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto_']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
