import { Buffer } from 'node:buffer';
import { brotliCompressSync } from 'node:zlib';
import { cloneValue } from '../../libs/core/src/value/clone-value.js';
import { hydrateAs } from '../../libs/core/src/value/hydrate.js';
import { admit } from '../../libs/core/src/value/isolation.js';
import { jsonSerializer } from '../../libs/core/src/serializer/json-serializer.js';
import { decodePayload, encodePayload, type Encoded } from '../../libs/core/src/serializer/payload.js';
import { Seeded } from './seeded.js';

export interface FuzzReport {
  readonly seed: number;
  readonly cases: number;
  /** Threw: a miss. */
  readonly refused: number;
  /** Decoded to something, which the rest of the read path then took or refused. */
  readonly decoded: number;
  readonly admitted: number;
}

const serializer = jsonSerializer();
const MAX_VALUE_BYTES = 64 * 1024;

class Probe {
  readonly id: unknown;
}

const POISON = [
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '[{"__proto__":{"polluted":1},"a":{"__proto__":null}}]',
  '~{"__proto__":{"polluted":{"~u":0}}}',
  '~{"~o":{"__proto__":{"polluted":1}}}',
  '~{"~m":["__proto__",{"polluted":1}]}',
  '~{"~m":[1]}',
  '~{"~s":{"length":1e9}}',
  '~{"~t":["Function","YQ=="]}',
  '~{"~t":["Float64Array","YQ=="]}',
  '~{"~t":["__proto__","YQ=="]}',
  '~{"~b":"zz"}',
  '~{"~d":"now"}',
  '~{"~d":1e99}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `~${'[{"~s":'.repeat(5_000)}[]${'}]'.repeat(5_000)}`,
  `~${'{"~o":{"a":'.repeat(5_000)}1${'}}'.repeat(5_000)}`,
];

const SAMPLES: readonly unknown[] = [
  { id: 'p-1', price: 12.5, tags: ['a', 'b'], nested: { deep: [null, true] } },
  new Map<unknown, unknown>([
    ['a', new Set([1, 2n])],
    [{ k: 1 }, new Date(0)],
  ]),
  [undefined, NaN, -0, Infinity, Buffer.from('bytes'), new Float64Array([1, 2]), new ArrayBuffer(3)],
  { '~u': 0 },
  Array.from({ length: 40 }, (_, index) => ({ index, at: new Date(index), text: 'text '.repeat(10) })),
];

/**
 * Throws random, mutated, truncated and poisoned bytes at the read path. Fails when anything but a refusal comes of it:
 * a changed `Object.prototype`, or an exception from what follows decoding.
 */
export function fuzzPayload({ cases, seed = 1 }: { cases: number; seed?: number }): FuzzReport {
  const random = new Seeded(seed);
  const seeds = corpus();
  const pristine = Object.getOwnPropertyNames(Object.prototype).join();
  const hydrator = hydrateAs(Probe);
  let refused = 0;
  let decoded = 0;
  let admitted = 0;
  for (let index = 0; index < cases; index++) {
    const { bytes, format } = mutate(random.pick(seeds), random);
    let value: unknown;
    try {
      value = decodePayload(bytes, format, { serializer, maxValueBytes: MAX_VALUE_BYTES });
      decoded++;
    } catch {
      refused++;
      continue;
    }
    const admission = admit(value, { isolation: 'frozen', maxBytes: 1024 * 1024, owned: true });
    if (admission.ok) {
      admitted++;
      cloneValue(admission.value);
      const plain = admission.value;
      if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) {
        hydrator.hydrate(plain);
      }
    }
  }
  if (
    ({} as { polluted?: unknown }).polluted !== undefined ||
    Object.getOwnPropertyNames(Object.prototype).join() !== pristine
  ) {
    throw new Error(`seed ${seed}: Object.prototype was changed`);
  }
  return { seed, cases, refused, decoded, admitted };
}

function corpus(): readonly Encoded[] {
  const valid = SAMPLES.flatMap((value) =>
    [Infinity, 0].map(
      (compressAbove) => encodePayload(value, { serializer, compressAbove, maxValueBytes: MAX_VALUE_BYTES }) as Encoded,
    ),
  );
  const poisoned = POISON.flatMap((text): Encoded[] => [
    { bytes: Buffer.from(text), format: 1 },
    { bytes: brotliCompressSync(Buffer.from(text)), format: 0x11 },
  ]);
  const bomb: Encoded = { bytes: brotliCompressSync(Buffer.alloc(4 * 1024 * 1024, '[')), format: 0x11 };
  return [...valid, ...poisoned, bomb];
}

function mutate(from: Encoded, random: Seeded): Encoded {
  const format = random.chance(0.1) ? random.int(0, 255) : from.format;
  const { length } = from.bytes;
  switch (random.int(0, 5)) {
    case 0:
      return { bytes: random.bytes(random.int(0, 200)), format };
    case 1:
      return { bytes: from.bytes.subarray(0, random.int(0, length)), format };
    case 2: {
      const at = random.int(0, length - 1);
      const inserted = [from.bytes.subarray(0, at), random.bytes(random.int(0, 8)), from.bytes.subarray(at)];
      return { bytes: Buffer.concat(inserted), format };
    }
    case 3:
      return from;
    default: {
      const bytes = Buffer.from(from.bytes);
      for (let flips = random.int(1, 4); flips > 0; flips--) {
        bytes[random.int(0, length - 1)] ^= 1 << random.int(0, 7);
      }
      return { bytes, format };
    }
  }
}
