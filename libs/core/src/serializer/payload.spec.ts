import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { fuzzPayload } from '../../../../test/support/fuzz-payload.js';
import { alike, storableValue } from '../../../../test/support/storable-values.js';
import { SerializationError } from '../errors.js';
import { jsonSerializer } from './json-serializer.js';
import { decodePayload, encodePayload, type Encoded } from './payload.js';
import type { Serializer } from './serializer.js';

const serializer = jsonSerializer();
const options = { serializer, compressAbove: 1_000, maxValueBytes: 1_000_000 };

describe('encodePayload', () => {
  it('gives back every storable value through decodePayload, compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(storableValue(), fc.constantFrom(0, 20, Infinity), async (value, compressAbove) => {
        const { bytes, format } = await encodePayload(value, { ...options, compressAbove });
        return alike(decodePayload(bytes, format, options), value);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves payloads up to the threshold alone', () => {
    expect(encodePayload('x'.repeat(998), options)).toMatchObject({ format: 1, bytes: { length: 1_000 } });
    expect(encodePayload('x'.repeat(999), options)).toMatchObject({ format: 0x11 });
  });

  it('compresses in place up to 100 KB and off the event loop above', async () => {
    const small = encodePayload('x'.repeat(100 * 1024 - 2), options);
    const large = encodePayload('x'.repeat(100 * 1024 - 1), options);
    expect(small).not.toBeInstanceOf(Promise);
    expect(typeof (large as Promise<Encoded>).then).toBe('function');
    const { bytes, format } = await large;
    expect(format).toBe(0x11);
    expect(bytes.length).toBeLessThan(1_000);
    expect(decodePayload(bytes, format, options)).toHaveLength(100 * 1024 - 1);
  });

  it('keeps what does not get smaller as it is', () => {
    const noise = randomBytes(2_000).toString('base64');
    const raw: Serializer = { id: 3, serialize: () => Buffer.from(noise, 'base64'), deserialize: (bytes) => bytes };
    expect(encodePayload(null, { ...options, serializer: raw })).toMatchObject({ format: 3, bytes: { length: 2_000 } });
  });

  it('refuses more than maxValueBytes, counted before compression', () => {
    const limited = { ...options, maxValueBytes: 5_000 };
    expect(encodePayload('x'.repeat(4_998), limited)).toMatchObject({ format: 0x11 });
    expect(() => encodePayload('x'.repeat(4_999), limited)).toThrow(SerializationError);
    expect(() => encodePayload('x'.repeat(4_999), limited)).toThrow('takes 5001 bytes, maxValueBytes is 5000');
  });

  it('passes on what is already known about the value', async () => {
    const serialize = jest.fn<Serializer['serialize']>(() => '1');
    await encodePayload(1, { ...options, serializer: { ...serializer, serialize }, plain: true });
    expect(serialize).toHaveBeenCalledWith(1, true);
  });
});

describe('decodePayload', () => {
  const limits = { serializer, maxValueBytes: 10_000 };

  it('stops unpacking a bomb at maxValueBytes', () => {
    const exact = brotliCompressSync(JSON.stringify('x'.repeat(9_998)));
    expect(decodePayload(exact, 0x11, limits)).toHaveLength(9_998);
    for (const size of [9_999, 50_000_000]) {
      const bomb = brotliCompressSync(Buffer.concat([Buffer.from('"'), Buffer.alloc(size, 'x'), Buffer.from('"')]));
      expect(() => decodePayload(bomb, 0x11, limits)).toThrow(
        expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }),
      );
    }
  });

  it.each<[string, Buffer, number]>([
    ['another serializer', Buffer.from('1'), 2],
    ['an unknown compression', Buffer.from('1'), 0x21],
    ['the reserved bit', Buffer.from('1'), 0x81],
    ['gzip bytes', gzipSync('1'), 0x11],
    ['truncated bytes', brotliCompressSync('"abc"').subarray(0, 4), 0x11],
    ['no bytes', Buffer.alloc(0), 1],
    ['too many bytes', Buffer.alloc(10_001, '1'), 1],
  ])('throws on %s', (_name, bytes, format) => {
    expect(() => decodePayload(bytes, format, limits)).toThrow();
  });

  it('survives 20,000 hostile payloads', () => {
    const report = fuzzPayload({ cases: 20_000, seed: 7 });
    expect(report.refused + report.decoded).toBe(20_000);
    expect(report.refused).toBeGreaterThan(5_000);
    expect(report.admitted).toBeGreaterThan(2_000);
  });
});

describe('payloads written by released versions', () => {
  interface Fixture {
    readonly name: string;
    readonly format: number;
    readonly base64: string;
  }
  const file = new URL('../../../../test/fixtures/wire/payload-v1.json', import.meta.url);
  const { payloads } = JSON.parse(readFileSync(file, 'utf8')) as { payloads: Fixture[] };
  const EXPECTED: Record<string, unknown> = {
    'plain object': { id: 'p-1', price: 12.5, tags: ['a', 'ä', '漢'], nested: { deep: [null, true, -1] } },
    'top-level null': null,
    'top-level undefined': undefined,
    'own __proto__': JSON.parse('{"__proto__":{"a":1}}'),
    numbers: [NaN, Infinity, -Infinity, -0, 0, 1e21],
    bigints: [0n, 255n, -(2n ** 100n)],
    dates: { epoch: new Date(0), late: new Date(8.64e15), invalid: new Date(NaN) },
    'map and set': new Map<unknown, unknown>([
      ['a', new Set<unknown>([1, 'b', undefined])],
      [{ k: 1 }, new Map()],
    ]),
    bytes: {
      buffer: Buffer.from('bytes'),
      u8: Uint8Array.of(1, 2),
      clamped: Uint8ClampedArray.of(255),
      i8: Int8Array.of(-1),
      u16: Uint16Array.of(65_535),
      i16: Int16Array.of(-2),
      u32: Uint32Array.of(4_294_967_295),
      i32: Int32Array.of(-3),
      f32: Float32Array.of(1.5),
      f64: Float64Array.of(Math.PI),
      b64: BigInt64Array.of(-1n),
      bu64: BigUint64Array.of(1n),
      view: new DataView(Uint8Array.of(1, 2, 3).buffer),
      raw: Uint8Array.of(9, 8).buffer,
    },
    'objects that look like tags': [{ '~d': 1 }, { '~o': { '~u': new Date(1) } }, { '~m': 1, more: undefined }],
    compressed: Array.from({ length: 50 }, (_, index) => ({ index, text: 'text '.repeat(5), at: new Date(index) })),
  };

  it('are all here', () => {
    expect(payloads.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
  });

  it.each(payloads)('decode for ever: $name', ({ name, format, base64 }) => {
    const value = decodePayload(Buffer.from(base64, 'base64'), format, options);
    expect(alike(value, EXPECTED[name])).toBe(true);
  });

  it.each(payloads.filter(({ format }) => format === 1))('are still written like that: $name', ({ name, base64 }) => {
    const { bytes } = encodePayload(EXPECTED[name], { ...options, compressAbove: Infinity }) as Encoded;
    expect(bytes.toString()).toBe(Buffer.from(base64, 'base64').toString());
  });
});
