import type { KnownEntry, TierRead } from '@strata-cache/core';
import type { TagStamps } from './tag-stamps.js';
import {
  ageOf,
  freshForOf,
  graceForOf,
  hasId,
  type Head,
  incarnationOf,
  isEntry,
  isSoft,
  peekId,
  stampOf,
  tagTextOf,
  WireRecord,
} from './wire.js';

export type Verdict = TierRead;

/**
 * Whether an entry may be used: the rules of docs/protocol.md 5. Pure. Undefined when its tags must be looked up first
 * (`stamps` is missing or does not know them).
 * @param serverNow µs, taken after the entry was read
 */
export function judge(
  bytes: Buffer | null,
  head: Head,
  stamps: TagStamps | undefined,
  serverNow: number,
  known: KnownEntry | undefined,
): Verdict | undefined {
  if (!isEntry(bytes)) {
    return { status: 'absent', id: peekId(bytes) };
  }
  const stamp = stampOf(bytes);
  // Another life of the state, or cleared since. `!(a > b)`: a poisoned stamp (NaN) is a miss.
  if (incarnationOf(bytes) !== head.incarnation || !(stamp > head.hard)) {
    return { status: 'absent', id: peekId(bytes) };
  }
  let stale = isSoft(bytes) || stamp <= head.soft;
  // Above every tag stamp its own tags need no look-up: the common case.
  if (stamp <= head.tagStamp || stamp <= head.softTagStamp) {
    const tagText = tagTextOf(bytes);
    const newest = tagText === '' ? { hard: 0, soft: 0 } : stamps?.newest(tagText);
    if (newest === undefined) {
      return undefined;
    }
    if (stamps !== undefined) {
      // Checked again in the same reply as the tags: a clear or a loss may have come in between.
      if (
        tagText !== '' &&
        (stamps.incarnation !== head.incarnation || stamps.runId !== head.runId || stamp <= stamps.hard)
      ) {
        return { status: 'absent', id: peekId(bytes) };
      }
      stale ||= stamp <= stamps.soft;
    }
    if (stamp <= newest.hard) {
      return { status: 'absent', id: peekId(bytes) };
    }
    stale ||= stamp <= newest.soft;
  }
  const age = ageOf(bytes, serverNow);
  const freshFor = freshForOf(bytes);
  const graceFor = graceForOf(bytes);
  // Redis' own expiry is garbage collection; what counts is the age by the server's clock. Below 0 that clock has stepped back.
  if (!(age <= freshFor + graceFor)) {
    return { status: 'absent', id: peekId(bytes) };
  }
  stale ||= age > freshFor || age < 0;
  if (!stale && known !== undefined && hasId(bytes, known.id)) {
    return { status: 'same', age, freshFor, graceFor };
  }
  return { status: 'found', record: new WireRecord(bytes, age, stale) };
}
