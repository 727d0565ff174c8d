import { describe, expect, it } from '@jest/globals';
import { judge } from './read-verdict.js';
import { TagStamps } from './tag-stamps.js';
import { decodeHead, encodeEntry, type Head, peekId, splitTags, WireRecord } from './wire.js';

const ID = '0123456789abcdef';
const STAMP = 1_700_000_000_000_000;
const head: Head = {
  incarnation: 9e15 - 7,
  hard: STAMP - 10,
  soft: 0,
  tagStamp: 0,
  softTagStamp: 0,
  runId: 42,
};
const fields = {
  id: ID,
  payload: Buffer.from('payload'),
  format: 3,
  schema: 65_538,
  tags: ['a', 'ü'],
  freshFor: 1_000,
  graceFor: 500,
};

/** As a script leaves it: stored at STAMP. */
function stored(changes: Partial<typeof fields> = {}, stamp = STAMP): Buffer {
  const bytes = encodeEntry({ ...fields, ...changes }, head.incarnation, stamp);
  bytes.writeDoubleLE(STAMP, 20);
  return bytes;
}

const status = (bytes: Buffer | null, at: Head = head, age = 0, stamps?: TagStamps): string => {
  const verdict = judge(bytes, at, stamps, STAMP + age * 1000, undefined);
  if (verdict === undefined) return 'tags?';
  return verdict.status === 'found' ? (verdict.record.stale ? 'stale' : 'fresh') : verdict.status;
};

/** A look-up of tags whose reply is given as `[member, score]`. */
function lookUp(tagText: string, scores: Record<string, number>): TagStamps {
  const stamps = new TagStamps();
  stamps.add(tagText);
  const known: Record<string, number> = { i: head.incarnation, r: head.runId, ...scores };
  const [, ...members] = stamps.command({ state: 'st' } as never);
  stamps.answer(members.map((member) => (known[member] === undefined ? null : Buffer.from(String(known[member])))));
  return stamps;
}

describe('the wire format, version 1', () => {
  it('is these very bytes, for ever', () => {
    const bytes = encodeEntry({ ...fields, payload: Buffer.from('x') }, 9e15 - 1, 1.5);
    expect(bytes.toString('hex')).toBe(
      '30313233343536373839616263646566' + // id
        '30010302' + // flag, version, format, tags
        '0000000000000000' + // storedAt, by the script
        Buffer.from(new Float64Array([9e15 - 1, 1.5]).buffer).toString('hex') +
        'e8030000f4010000' + // freshMs, graceMs
        '04000200' + // tagBytes, schema modulo 65536
        '610ac3bc' + // a\nü
        '78',
    );
  });

  it('is read back field by field', () => {
    const record = new WireRecord(stored(), 5, false);
    expect({ ...fields, schema: 2 }).toEqual({
      id: record.id,
      payload: Buffer.from(record.payload),
      format: record.format,
      schema: record.schema,
      tags: record.tags,
      freshFor: record.freshFor,
      graceFor: record.graceFor,
    });
  });

  it('clamps lifetimes to 32 bits', () => {
    const record = new WireRecord(stored({ freshFor: 1e12, graceFor: -1 }), 0, false);
    expect([record.freshFor, record.graceFor]).toEqual([0xffff_ffff, 0]);
  });

  it('knows a head by its length', () => {
    const bytes = Buffer.from(new Float64Array([1, 2, 3, 4, 5, 6]).buffer);
    expect(decodeHead(bytes)).toEqual({ incarnation: 1, hard: 2, soft: 3, tagStamp: 4, softTagStamp: 5, runId: 6 });
    expect([decodeHead(null), decodeHead(Buffer.alloc(47)), decodeHead(Buffer.alloc(0))]).toEqual([null, null, null]);
  });

  it('splits tags once and shares the list', () => {
    expect(splitTags('')).toEqual([]);
    expect(splitTags('x\ny')).toBe(splitTags('x\ny'));
    expect(Object.isFrozen(splitTags('x\ny'))).toBe(true);
  });
});

describe('the verdict on an entry', () => {
  it('goes by its age, by the clock of the server', () => {
    expect([0, 1_000, 1_001, 1_500, 1_501].map((age) => status(stored(), head, age))).toEqual([
      'fresh',
      'fresh',
      'stale',
      'stale',
      'absent',
    ]);
    expect(status(stored(), head, -1)).toBe('stale');
  });

  it('is absent for another incarnation and for what was cleared, stale for a soft flag or clear', () => {
    expect(status(stored(), { ...head, incarnation: head.incarnation + 1 })).toBe('absent');
    expect(status(stored(), { ...head, hard: STAMP })).toBe('absent');
    expect(status(stored(), { ...head, soft: STAMP })).toBe('stale');
    const soft = stored();
    soft[16] = 0x31;
    expect(status(soft)).toBe('stale');
  });

  it('asks for tags only when a tag stamp is as new as the entry', () => {
    expect(status(stored(), { ...head, tagStamp: STAMP - 1, softTagStamp: STAMP - 1 })).toBe('fresh');
    expect(status(stored(), { ...head, tagStamp: STAMP })).toBe('tags?');
    expect(status(stored(), { ...head, softTagStamp: STAMP })).toBe('tags?');
    expect(status(stored({ tags: [] }), { ...head, tagStamp: STAMP })).toBe('fresh');
  });

  it('goes by the stamps of its tags, and by what they say of the state', () => {
    const newer = { ...head, tagStamp: STAMP + 5, softTagStamp: STAMP + 5 };
    const by = (scores: Record<string, number>): string => status(stored(), newer, 0, lookUp('a\nü', scores));
    expect(by({})).toBe('fresh');
    expect(by({ 't:a': STAMP - 1, 'u:ü': STAMP - 1 })).toBe('fresh');
    expect(by({ 't:ü': STAMP })).toBe('absent');
    expect(by({ 'u:a': STAMP })).toBe('stale');
    expect(by({ 'u:a': STAMP, 't:ü': STAMP })).toBe('absent');
    expect(by({ '*': STAMP })).toBe('absent');
    expect(by({ '~': STAMP })).toBe('stale');
    expect(by({ i: 1 })).toBe('absent');
    expect(by({ r: 1 })).toBe('absent');
    expect(status(stored(), newer, 0, lookUp('a', {}))).toBe('tags?');
  });

  it('is "same" for a known, fresh entry only', () => {
    const ask = (id: string, age: number): string | undefined =>
      judge(stored(), head, undefined, STAMP + age * 1000, { id })?.status;
    expect([ask(ID, 0), ask(ID, 1_200), ask('0123456789abcdeX', 0), ask('', 0)]).toEqual([
      'same',
      'found',
      'found',
      'found',
    ]);
  });

  it('is a miss for random bytes of any length, and tells the id as GETRANGE would', () => {
    let seed = 1;
    const next = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Buffer.from(Array.from({ length: next() % 120 }, () => next() % 256));
      const verdict = judge(bytes, head, undefined, STAMP, undefined);
      expect(verdict).toEqual({ status: 'absent', id: bytes.subarray(0, 16).toString('latin1') });
    }
    expect(peekId(null)).toBe('');
  });

  it('survives every single flipped byte of a header', () => {
    for (let at = 0; at < 60; at += 1) {
      for (const bit of [1, 0x80]) {
        const bytes = stored();
        bytes[at] ^= bit;
        expect(['fresh', 'stale', 'absent', 'tags?']).toContain(status(bytes));
      }
    }
  });
});
