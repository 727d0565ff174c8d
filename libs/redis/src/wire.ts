import type { FillRecord, TierRecord } from '@strata-cache/core';

/**
 * An entry on the wire, version 1, little endian:
 * 0 id (16, latin1) · 16 flag '0' | '1' softly invalidated · 17 version · 18 format · 19 number of tags · 20 storedAt f64 (µs, by the
 * script) · 28 incarnation f64 · 36 stamp f64 · 44 freshMs u32 · 48 graceMs u32 · 52 tagBytes u16 · 54 schema u16 · 56 tags joined
 * by newline · payload. Source: docs/protocol.md 3.
 */
export const HEADER_BYTES = 56;
export const ID_BYTES = 16;
export const HEAD_BYTES = 48;
const VERSION = 1;
const SOFT_FLAG = 0x31;
const MAX_U32 = 0xffff_ffff;
const NO_TAGS: readonly string[] = [];

/** The head of a shard: six f64. */
export interface Head {
  readonly incarnation: number;
  readonly hard: number;
  readonly soft: number;
  readonly tagStamp: number;
  readonly softTagStamp: number;
  readonly runId: number;
}

/** Null when the bytes are no head. */
export function decodeHead(bytes: Buffer | null): Head | null {
  if (bytes === null || bytes.length !== HEAD_BYTES) {
    return null;
  }
  return {
    incarnation: bytes.readDoubleLE(0),
    hard: bytes.readDoubleLE(8),
    soft: bytes.readDoubleLE(16),
    tagStamp: bytes.readDoubleLE(24),
    softTagStamp: bytes.readDoubleLE(32),
    runId: bytes.readDoubleLE(40),
  };
}

/** An entry as a fill or put sends it. `storedAt` is written by the script; for a put incarnation and stamp are too. */
export function encodeEntry(record: FillRecord, incarnation: number, stamp: number): Buffer {
  const tags = record.tags.join('\n');
  const tagBytes = Buffer.byteLength(tags, 'utf8');
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + tagBytes + record.payload.length);
  bytes.fill(0, 0, HEADER_BYTES);
  bytes.write(record.id, 0, ID_BYTES, 'latin1');
  bytes[16] = 0x30;
  bytes[17] = VERSION;
  bytes[18] = record.format;
  bytes[19] = record.tags.length;
  bytes.writeDoubleLE(incarnation, 28);
  bytes.writeDoubleLE(stamp, 36);
  bytes.writeUInt32LE(Math.min(MAX_U32, Math.max(0, Math.round(record.freshFor))), 44);
  bytes.writeUInt32LE(Math.min(MAX_U32, Math.max(0, Math.round(record.graceFor))), 48);
  bytes.writeUInt16LE(tagBytes, 52);
  bytes.writeUInt16LE(record.schema & 0xffff, 54);
  bytes.write(tags, HEADER_BYTES, tagBytes, 'utf8');
  bytes.set(record.payload, HEADER_BYTES + tagBytes);
  return bytes;
}

/** Exactly what `GETRANGE e 0 15` gives, whatever the bytes are: a lease compares it. */
export function peekId(bytes: Buffer | null): string {
  return bytes === null ? '' : bytes.toString('latin1', 0, Math.min(ID_BYTES, bytes.length));
}

/** Whether the bytes can be an entry. Anything else in Redis is a miss, never an error. */
export function isEntry(bytes: Buffer | null): bytes is Buffer {
  return (
    bytes !== null &&
    bytes.length >= HEADER_BYTES &&
    bytes[17] === VERSION &&
    HEADER_BYTES + bytes.readUInt16LE(52) <= bytes.length
  );
}

export const incarnationOf = (bytes: Buffer): number => bytes.readDoubleLE(28);
/** Serializer and compression, as the engine wrote them. */
export const formatOf = (bytes: Buffer): number => bytes[18];
export const stampOf = (bytes: Buffer): number => bytes.readDoubleLE(36);
export const tagCountOf = (bytes: Buffer): number => bytes[19];
export const isSoft = (bytes: Buffer): boolean => bytes[16] === SOFT_FLAG;
export const freshForOf = (bytes: Buffer): number => bytes.readUInt32LE(44);
export const graceForOf = (bytes: Buffer): number => bytes.readUInt32LE(48);

/** The tags as they stand on the wire: compared as one text, never split for a comparison. */
export function tagTextOf(bytes: Buffer): string {
  return bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + bytes.readUInt16LE(52));
}

/** The tag text of the entry decoded last, as bytes and as a list. */
let lastTags = { bytes: Buffer.alloc(0), list: NO_TAGS };

/** The tags of an entry. Neighbours mostly carry the same: bytes that are those of the last one are not made text of again. */
export function tagsOf(bytes: Buffer): readonly string[] {
  const length = bytes.readUInt16LE(52);
  const known = lastTags.bytes;
  let same = length === known.length;
  for (let at = 0; same && at < length; at++) {
    same = known[at] === bytes[HEADER_BYTES + at];
  }
  if (!same) {
    // A copy: a slice would keep the whole reply alive.
    lastTags = {
      bytes: Buffer.from(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)),
      list: splitTags(tagTextOf(bytes)),
    };
  }
  return lastTags.list;
}

/** ms since the entry was stored, by the server's clock `serverNow` (µs). Negative when that clock has stepped back. */
export function ageOf(bytes: Buffer, serverNow: number): number {
  return (serverNow - bytes.readDoubleLE(20)) / 1000;
}

/** Whether `known` names these very bytes. */
export function hasId(bytes: Buffer, id: string): boolean {
  if (id.length !== ID_BYTES) {
    return false;
  }
  for (let index = 0; index < ID_BYTES; index++) {
    if (bytes[index] !== id.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}

/** Tag lists repeat: most entries of a cache carry one of few. Bounded by starting over. */
const MAX_TAG_LISTS = 5_000;
const MAX_SHARED_TEXT = 2_048;
let tagLists = new Map<string, readonly string[]>();

export function splitTags(text: string): readonly string[] {
  if (text === '') {
    return NO_TAGS;
  }
  let tags = tagLists.get(text);
  if (tags === undefined) {
    tags = Object.freeze(text.split('\n'));
    if (text.length > MAX_SHARED_TEXT) {
      return tags;
    }
    if (tagLists.size >= MAX_TAG_LISTS) {
      tagLists = new Map();
    }
    tagLists.set(text, tags);
  }
  return tags;
}

/** A decoded entry that looks into the reply's bytes; what is not asked for is not decoded. */
export class WireRecord implements TierRecord {
  readonly age: number;
  readonly stale: boolean;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, age: number, stale: boolean) {
    this.#bytes = bytes;
    this.age = age;
    this.stale = stale;
  }

  get id(): string {
    return this.#bytes.toString('latin1', 0, ID_BYTES);
  }

  get payload(): Buffer {
    return this.#bytes.subarray(HEADER_BYTES + this.#bytes.readUInt16LE(52));
  }

  get format(): number {
    return this.#bytes[18];
  }

  get schema(): number {
    return this.#bytes.readUInt16LE(54);
  }

  get tags(): readonly string[] {
    return tagsOf(this.#bytes);
  }

  get freshFor(): number {
    return freshForOf(this.#bytes);
  }

  get graceFor(): number {
    return graceForOf(this.#bytes);
  }
}
