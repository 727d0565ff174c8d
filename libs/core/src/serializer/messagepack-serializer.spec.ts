import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { alike, storableValue } from '../../../../test/support/storable-values.js';
import { CacheConfigError, SerializationError } from '../errors.js';
import { messagePackSerializer, type MessagePackCodec } from './messagepack-serializer.js';

/** The least a codec must do: JSON's types and bytes. */
const codec: MessagePackCodec = {
  pack: (value) => Buffer.from(JSON.stringify(value)),
  unpack: (bytes) =>
    JSON.parse(Buffer.from(bytes).toString(), (_key, item: { type?: unknown; data?: unknown } | null) =>
      item?.type === 'Buffer' && Array.isArray(item.data) ? Buffer.from(item.data as number[]) : (item as unknown),
    ),
};

describe('messagePackSerializer', () => {
  const { id, serialize, deserialize } = messagePackSerializer(codec);

  it('gives back every storable value, whatever the codec can do beyond JSON and bytes', () => {
    fc.assert(
      fc.property(storableValue(), (value) => alike(deserialize(Buffer.from(serialize(value) as Uint8Array)), value)),
    );
  });

  it('hands plain values to the codec as they are and marks the others with a byte MessagePack never uses', () => {
    expect(Buffer.from(serialize({ a: 1 }) as Uint8Array).toString()).toBe('{"a":1}');
    expect((serialize({ a: 1n }) as Uint8Array)[0]).toBe(0xc1);
    expect(id).toBe(2);
  });

  it('refuses what has no wire form before the codec can mangle it', () => {
    class Money {}
    expect(() => serialize({ price: new Money() })).toThrow(SerializationError);
  });

  it('copies bytes out of what it reads', () => {
    const wire = Buffer.from(serialize({ bytes: Buffer.from('abc') }) as Uint8Array);
    const value = deserialize(wire) as { bytes: Buffer };
    wire.fill(0);
    expect(value.bytes.toString()).toBe('abc');
  });

  it.each<[string, unknown, RegExp]>([
    ['not a codec', {}, /pack and unpack/],
    ['no codec', undefined, /pack and unpack/],
    ['objects as Maps', { ...codec, unpack: () => new Map() }, /plain objects/],
    ['bytes as text', { ...codec, unpack: (b: Uint8Array) => JSON.parse(Buffer.from(b).toString()) }, /plain objects/],
    ['shared structures', { ...codec, structures: { sharedLength: 0 } }, /structures/],
  ])('refuses a codec with %s', (_name, broken, message) => {
    expect(() => messagePackSerializer(broken as MessagePackCodec)).toThrow(message);
    expect(() => messagePackSerializer(broken as MessagePackCodec)).toThrow(CacheConfigError);
  });

  it.each([0, 1, 16, 2.5])('refuses the id %d', (wrong) => {
    expect(() => messagePackSerializer(codec, { id: wrong })).toThrow(/id must be an integer from 2 to 15/);
  });
});
