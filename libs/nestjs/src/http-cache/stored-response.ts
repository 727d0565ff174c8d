import { Buffer } from 'node:buffer';
import { defineCache, type CacheDefinition, type Consistency, type Serializer } from '@strata-cache/core';
import type { StoredField } from './stored-headers.js';

/** One variant of a response: final, complete, identity-coded bytes. Instants are wall-clock ms, durations ms. */
export interface StoredVariant {
  /** Request fields that the response named in Vary and its key does not hold, with the values it was made for. */
  readonly vary: readonly (readonly [name: string, value: string | null])[];
  readonly status: number;
  readonly fields: readonly StoredField[];
  readonly body: Buffer;
  readonly etag: string | undefined;
  readonly lastModified: number | undefined;
  readonly storedAt: number;
  /** How old it was then. */
  readonly age: number;
  /** How long it is fresh from `storedAt` on. */
  readonly freshFor: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  /** Reusable for requests with Authorization (RFC 9111 section 3.5). */
  readonly forAuthenticated: boolean;
}

/** What the engine stores for a key: usually one variant. */
export interface StoredResponse {
  readonly variants: readonly StoredVariant[];
}

/** A number of its own: no other serializer's payload is ever taken for one of these. */
const SERIALIZER_ID = 9;
const LENGTH_BYTES = 4;

/** Metadata as JSON behind its length, then the bodies as they are: no base64, and a slice of the payload is a body. */
export const responseSerializer: Serializer = {
  id: SERIALIZER_ID,
  serialize(value): Uint8Array {
    const { variants } = value as StoredResponse;
    const meta = Buffer.from(JSON.stringify(variants.map(({ body, ...rest }) => ({ ...rest, length: body.length }))));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(meta.length);
    return Buffer.concat([length, meta, ...variants.map(({ body }) => body)]);
  },
  deserialize(bytes): StoredResponse {
    const end = LENGTH_BYTES + bytes.readUInt32BE(0);
    const metas = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as (StoredVariant & { length: number })[];
    let at = end;
    const variants = metas.map(({ length, ...meta }) => {
      if (at + length > bytes.length) throw new RangeError('a stored response ends before its body does');
      // A copy: a slice would keep the whole network buffer alive.
      const body = Buffer.from(bytes.subarray(at, (at += length)));
      return { ...meta, etag: meta.etag, lastModified: meta.lastModified, body };
    });
    return { variants };
  },
};

export type ResponseDefinition = CacheDefinition<[key: string], StoredResponse>;

/** Above `maxBodyBytes` of any route that is likely; the limit itself is the route's. */
const MAX_ENTRY_BYTES = '64mb';

/** The engine's cache of responses. Tags, fences, leases and both tiers work as for every other one. */
export function responseDefinition(consistency: Consistency | undefined): ResponseDefinition {
  return defineCache<[key: string], StoredResponse>({
    name: 'strata.http',
    version: 1,
    owner: 'HttpCache',
    key: (key) => key,
    // Every response brings its own.
    ttl: '1m',
    jitter: 0,
    // Nobody but the store sees them, and it changes nothing.
    isolation: 'shared',
    serializer: responseSerializer,
    maxValueBytes: MAX_ENTRY_BYTES,
    // The handlers are bounded by the requests that run them.
    maxConcurrentLoads: 100_000,
    consistency,
  });
}
