import { describe, expect, it } from '@jest/globals';
import type { BusEvent } from '@strata-cache/core';
import { decodeMessage, encodeBody } from './messages.js';

const EVENTS: readonly BusEvent[] = [
  { kind: 'keys', keys: ['a:v1:b', '{}', 'ü\n"|'], mode: 'delete' },
  { kind: 'keys', keys: [], mode: 'expire' },
  { kind: 'tags', tags: ['@cache:x', '__proto__'], mode: 'expire' },
  { kind: 'clear', mode: 'delete' },
];

const decode = (text: string | Buffer) => decodeMessage(3, Buffer.from(text));

describe('bus messages', () => {
  it('say what was encoded, with shard and position', () => {
    for (const event of EVENTS) {
      expect(decode(`1|8999999999999999|17|${encodeBody(event)}`)).toEqual({
        shard: 3,
        incarnation: 8_999_999_999_999_999,
        sequence: 17,
        event,
      });
    }
  });

  it('that have no readable position are of no known life', () => {
    for (const text of [
      '',
      '1',
      '1|2',
      '2|1|1|["c","d"]',
      '1|x|1|["c","d"]',
      '1|1|-1|[]',
      '1|1|12345678901234567|["c","d"]',
    ]) {
      expect(decode(text)).toEqual({ shard: 3, incarnation: 0, sequence: 0, event: undefined });
    }
  });

  it.each([
    '',
    '{',
    'null',
    '{}',
    '[]',
    '["k"]',
    '["k","x"]',
    '["x","d"]',
    '["constructor","d"]',
    '["k","toString"]',
    '["k","d",1]',
    '["k","d",["a"]]',
    '["t","d",null]',
  ])('with the body %s keep their position and have no event', (body) => {
    expect(decode(`1|5|6|${body}`)).toEqual({ shard: 3, incarnation: 5, sequence: 6, event: undefined });
  });

  it('beyond 1 MiB are not looked at', () => {
    const huge = `1|1|1|${JSON.stringify(['k', 'd', 'x'.repeat(1024 * 1024)])}`;
    expect(decode(huge).event).toBeUndefined();
  });

  it('of random bytes never throw', () => {
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Buffer.from(Array.from({ length: round % 60 }, (_, index) => (round * 31 + index * 17) % 256));
      expect(decodeMessage(0, bytes).event).toBeUndefined();
    }
  });
});
