import type { CacheRuntime, Lifetime, Storable } from '../cache-runtime.js';
import { jsonSerializer } from '../serializer/json-serializer.js';
import { decodePayload, encodePayload } from '../serializer/payload.js';
import type { FillRecord, TierRecord } from '../tiers/tier.js';
import { admitParsed } from '../value/parsed.js';

/** A value ready to be stored, with its tags and lifetime. */
export type Entry = Extract<Storable, { ok: true }> & {
  readonly tags: readonly string[] | undefined;
  readonly life: Lifetime;
};

const DEFAULT_SERIALIZER = jsonSerializer();

/** The value of a record as L1 keeps it; undefined when the bytes mean nothing to us (the read is then a miss). */
export function decodeRecord(
  runtime: CacheRuntime,
  record: TierRecord,
): { stored: unknown; bytes: number } | undefined {
  const { version, serializer = DEFAULT_SERIALIZER, maxValueBytes, isolation } = runtime.definition;
  if (record.schema !== version) {
    return undefined;
  }
  try {
    const value = decodePayload(record.payload, record.format, { serializer, maxValueBytes });
    const bytes = isolation === 'cloned' ? -1 : admitParsed(value, maxValueBytes, isolation === 'frozen');
    if (bytes >= 0) {
      return { stored: value, bytes };
    }
    const admitted = runtime.admit(value, true);
    return admitted.ok ? admitted : undefined;
  } catch {
    // Corrupt, foreign or hostile bytes: a miss, never an error; the caller counts it.
    return undefined;
  }
}

/** @throws SerializationError when the value has no wire form or is too large */
export async function encodeRecord(runtime: CacheRuntime, key: string, id: string, entry: Entry): Promise<FillRecord> {
  const { version, serializer = DEFAULT_SERIALIZER, maxValueBytes, compressAbove } = runtime.definition;
  const options = { serializer, maxValueBytes, compressAbove, plain: entry.plain };
  const { bytes, format } = await encodePayload(entry.value, options);
  return {
    id,
    payload: bytes,
    format,
    schema: version,
    tags: [...runtime.implicitTags(key), ...(entry.tags ?? [])],
    freshFor: entry.life.freshFor,
    graceFor: entry.life.graceFor,
  };
}
