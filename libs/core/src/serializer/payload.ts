import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync, brotliDecompressSync, constants, type BrotliOptions } from 'node:zlib';
import { SerializationError } from '../errors.js';
import type { Serializer } from './serializer.js';

/** A value on its way to a second tier. */
export interface Encoded {
  readonly bytes: Buffer;
  /** Bits 0-3 the serializer's id, bits 4-6 the compression (0 none, 1 brotli), bit 7 zero. Travels in the header. */
  readonly format: number;
}

export interface DecodeOptions {
  readonly serializer: Serializer;
  /** Limit of the serialized value, before compression and after decompression. */
  readonly maxValueBytes: number;
}

export interface EncodeOptions extends DecodeOptions {
  /** Serialized bytes above which compression is tried; `Infinity` = never. */
  readonly compressAbove: number;
  /** What `admit` found out about the value; absent: the serializer looks itself. */
  readonly plain?: boolean | undefined;
}

const UNCOMPRESSED = 0;
/**
 * Brotli at quality 1: over package manifests of 17 to 200 KB it wrote in half the time of gzip at level 1 (0.26 against
 * 0.55 ms at 100 KB) at the same size and read in the same time; qualities 2 and 4 cost two and three times as much for
 * 5 and 12 % less.
 */
const BROTLI = 1;
const brotliAsync = promisify<Buffer, BrotliOptions, Buffer>(brotliCompress);

/** Above this, compression leaves the event loop: 0.3 ms of blocking is worth more than the 0.1 ms of a thread's turn. */
const ASYNC_ABOVE = 100 * 1024;
/** Compressed bytes must save at least this share, or every reader would pay for nothing. */
const WORTHWHILE = 0.9;

/**
 * Bytes of a value. A promise only when a large value is being compressed.
 * @throws SerializationError (also as a rejection) naming the path of what has no wire form, or `$` when it is too large
 */
export function encodePayload(value: unknown, options: EncodeOptions): Encoded | Promise<Encoded> {
  const { serializer, compressAbove, maxValueBytes } = options;
  const serialized = serializer.serialize(value, options.plain);
  const bytes = typeof serialized === 'string' ? Buffer.from(serialized, 'utf8') : asBuffer(serialized);
  if (bytes.length > maxValueBytes) {
    throw new SerializationError(
      `$: the value takes ${bytes.length} bytes, maxValueBytes is ${maxValueBytes}; store less or raise maxValueBytes`,
    );
  }
  if (bytes.length <= compressAbove) {
    return { bytes, format: serializer.id };
  }
  if (bytes.length <= ASYNC_ABOVE) {
    return smaller(bytes, brotliCompressSync(bytes, brotliOptions(bytes)), serializer.id);
  }
  return brotliAsync(bytes, brotliOptions(bytes)).then((compressed) => smaller(bytes, compressed, serializer.id));
}

/**
 * The value of {@link encodePayload}'s bytes, a new one for every call. Synchronous at any size: decompression takes a
 * fraction of the parsing that follows it.
 * @throws on another serializer's id, an unknown compression, malformed bytes, and beyond `maxValueBytes` (also a bomb,
 *   which is not unpacked further than that): to a reader all of these are misses
 */
export function decodePayload(bytes: Buffer, format: number, options: DecodeOptions): unknown {
  const { serializer, maxValueBytes } = options;
  if ((format & 0x0f) !== serializer.id) {
    throw new SerializationError(`a payload was written by serializer ${format & 0x0f}, expected ${serializer.id}`);
  }
  const compression = format >> 4;
  if (compression !== UNCOMPRESSED && compression !== BROTLI) {
    throw new SerializationError(`a payload has the unknown compression ${compression}`);
  }
  if (bytes.length > maxValueBytes) {
    throw new SerializationError(`a payload takes ${bytes.length} bytes, maxValueBytes is ${maxValueBytes}`);
  }
  return serializer.deserialize(
    compression === BROTLI ? brotliDecompressSync(bytes, { maxOutputLength: maxValueBytes }) : bytes,
  );
}

function smaller(bytes: Buffer, compressed: Buffer, id: number): Encoded {
  return compressed.length < bytes.length * WORTHWHILE
    ? { bytes: compressed, format: id | (BROTLI << 4) }
    : { bytes, format: id };
}

function brotliOptions(bytes: Buffer): BrotliOptions {
  return {
    params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
