import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { CacheConfigError, SerializationError } from '../errors.js';
import type { Serializer } from './serializer.js';
import { checkStorable, fromTyped, toTyped, type ByteForm } from './typed-wire.js';

/** What is needed of a MessagePack library; `new Packr()` of msgpackr fits as it is. */
export interface MessagePackCodec {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

export interface MessagePackOptions {
  /** Number written beside the payload, 2 to 15. Default 2; take another one for a codec with other settings. */
  readonly id?: number | undefined;
}

/** The one byte MessagePack never uses: what follows holds tags of `typed-wire`. */
const TYPED_BYTE = 0xc1;
const TYPED = Buffer.of(TYPED_BYTE);

const raw: ByteForm = {
  write: (bytes) => bytes,
  read: (form) => {
    if (!types.isUint8Array(form)) {
      throw new SerializationError('a payload holds bytes in an unknown form');
    }
    return Buffer.from(form);
  },
};

/**
 * MessagePack by injection: `messagePackSerializer(new Packr())`. The codec is trusted with JSON's types and with bytes
 * only; everything else travels in tags, so a Set, a -0 or a large bigint survives whatever the codec's settings are.
 * Two exceptions are the format's and the codec's own: text travels as UTF-8, so half a surrogate pair becomes U+FFFD,
 * and a property called `__proto__` is renamed (msgpackr) or makes the entry unreadable, hence a miss (@msgpack).
 * @throws CacheConfigError for a codec that does not give plain data back, or one with shared structures: its bytes mean
 *   something only to the process that wrote them
 */
export function messagePackSerializer(codec: MessagePackCodec, options: MessagePackOptions = {}): Serializer {
  const { id = 2 } = options;
  if (!Number.isInteger(id) || id < 2 || id > 15) {
    throw new CacheConfigError(`messagePackSerializer: id must be an integer from 2 to 15, got ${String(id)}`);
  }
  probe(codec);
  return {
    id,
    serialize: (value, plain) =>
      (plain ?? checkStorable(value)) ? codec.pack(value) : Buffer.concat([TYPED, codec.pack(toTyped(value, raw))]),
    deserialize: (bytes) =>
      bytes[0] === TYPED_BYTE ? fromTyped(codec.unpack(bytes.subarray(1)), raw) : codec.unpack(bytes),
  };
}

function probe(codec: MessagePackCodec): void {
  if (typeof codec?.pack !== 'function' || typeof codec.unpack !== 'function') {
    throw new CacheConfigError('messagePackSerializer: expected a codec with pack and unpack, e.g. new Packr()');
  }
  const { structures } = codec as { structures?: { sharedLength?: number } };
  if (structures?.sharedLength !== undefined) {
    throw new CacheConfigError(
      'messagePackSerializer: the codec shares structures, so other instances cannot read its bytes; leave out `structures`',
    );
  }
  const plain = JSON.stringify({ text: 'ä', list: [1, 1.5, true, null], nested: { empty: {} } });
  const back: unknown = codec.unpack(codec.pack(JSON.parse(plain)));
  const bytes: unknown = codec.unpack(codec.pack(TYPED));
  if (JSON.stringify(back) !== plain || !types.isUint8Array(bytes) || bytes[0] !== TYPED_BYTE) {
    throw new CacheConfigError(
      'messagePackSerializer: the codec must give back plain objects and bytes as they were; leave its decoding options at their defaults',
    );
  }
}
