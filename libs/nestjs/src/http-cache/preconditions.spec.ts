import { describe, expect, it } from '@jest/globals';
import { evaluatePreconditions, hasCurrent, type CurrentState, type Verdict } from './preconditions.js';

const NOW = Date.UTC(2026, 0, 1);
const MODIFIED = Date.UTC(2025, 0, 1, 0, 0, 0, 700);
const SAME = new Date(MODIFIED).toUTCString();
const EARLIER = new Date(MODIFIED - 5_000).toUTCString();
const LATER = new Date(MODIFIED + 5_000).toUTCString();
const STATE: CurrentState = { exists: true, etag: '"v1"', lastModified: MODIFIED };
const ABSENT: CurrentState = { exists: false };

function verdict(method: string, fields: Record<string, string | string[]>, state = STATE): Verdict {
  return evaluatePreconditions({ method, fields, now: NOW }, state);
}

describe('preconditions of RFC 9110 section 13.2.2', () => {
  it.each<[string, string, Record<string, string | string[]>, Verdict]>([
    ['nothing asked', 'GET', {}, 'proceed'],
    ['If-None-Match, the same', 'GET', { 'if-none-match': '"v1"' }, 304],
    ['... weakly', 'GET', { 'if-none-match': 'W/"v1"' }, 304],
    ['... in a list with commas in tags', 'HEAD', { 'if-none-match': '"a,b", "v1"' }, 304],
    ['... any', 'GET', { 'if-none-match': '*' }, 304],
    ['... another', 'GET', { 'if-none-match': '"v2"' }, 'proceed'],
    ['... the same, when writing', 'PUT', { 'if-none-match': '"v1"' }, 412],
    ['... any, when writing', 'POST', { 'if-none-match': '*' }, 412],
    ['... ignored by OPTIONS', 'OPTIONS', { 'if-none-match': '"v1"' }, 'proceed'],
    ['If-Match, the same', 'PUT', { 'if-match': '"v1"' }, 'proceed'],
    ['... weak never matches', 'PUT', { 'if-match': 'W/"v1"' }, 412],
    ['... another', 'PUT', { 'if-match': '"v2"' }, 412],
    ['... any', 'DELETE', { 'if-match': '*' }, 'proceed'],
    ['... holds for reading as well', 'GET', { 'if-match': '"v2"' }, 412],
    ['If-Modified-Since, the same second', 'GET', { 'if-modified-since': SAME }, 304],
    ['... later', 'GET', { 'if-modified-since': LATER }, 304],
    ['... earlier', 'GET', { 'if-modified-since': EARLIER }, 'proceed'],
    ['... ignored when writing', 'PUT', { 'if-modified-since': LATER }, 'proceed'],
    ['... ignored beside If-None-Match', 'GET', { 'if-none-match': '"v2"', 'if-modified-since': LATER }, 'proceed'],
    ['... ISO dates are none', 'GET', { 'if-modified-since': '2027-01-01T00:00:00Z' }, 'proceed'],
    ['... two values are none', 'GET', { 'if-modified-since': [LATER, LATER] }, 'proceed'],
    ['If-Unmodified-Since, the same second', 'PUT', { 'if-unmodified-since': SAME }, 'proceed'],
    ['... earlier', 'PUT', { 'if-unmodified-since': EARLIER }, 412],
    ['... ignored beside If-Match', 'PUT', { 'if-match': '"v1"', 'if-unmodified-since': EARLIER }, 'proceed'],
    ['... no date', 'PUT', { 'if-unmodified-since': 'yesterday' }, 'proceed'],
    ['a failing If-Match outranks a 304', 'GET', { 'if-match': '"v2"', 'if-none-match': '"v1"' }, 412],
  ])('%s', (_name, method, fields, expected) => {
    expect(verdict(method, fields)).toBe(expected);
  });

  it.each<[string, Record<string, string>, Verdict]>([
    ['If-Match', { 'if-match': '*' }, 412],
    ['If-None-Match', { 'if-none-match': '*' }, 'proceed'],
    ['If-Unmodified-Since', { 'if-unmodified-since': EARLIER }, 'proceed'],
  ])('of what does not exist: %s', (_name, fields, expected) => {
    expect(verdict('PUT', fields, ABSENT)).toBe(expected);
  });

  it('follows the order of the section whichever of the four hold, fail or are absent', () => {
    let counted = 0;
    for (const im of [undefined, '"v1"', '"v2"'])
      for (const ius of [undefined, LATER, EARLIER])
        for (const inm of [undefined, '"v1"', '"v2"'])
          for (const ims of [undefined, LATER, EARLIER])
            for (const method of ['GET', 'PUT']) {
              const given = {
                'if-match': im,
                'if-unmodified-since': ius,
                'if-none-match': inm,
                'if-modified-since': ims,
              };
              const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
              const expected = bySection(method, im, ius, inm, ims);
              expect(verdict(method, fields as Record<string, string>)).toBe(expected);
              const plain = im === undefined && ius === undefined && inm === STATE.etag && method === 'GET';
              expect(hasCurrent({ method, fields }, STATE.etag)).toBe(plain);
              if (plain) expect(expected).toBe(304);
              counted++;
            }
    expect(counted).toBe(162);
  });
});

/** The section's own words, step by step. */
function bySection(method: string, im?: string, ius?: string, inm?: string, ims?: string): Verdict {
  if (im !== undefined && im !== '"v1"') return 412;
  if (im === undefined && ius === EARLIER) return 412;
  if (inm !== undefined) {
    if (inm === '"v1"') return method === 'GET' ? 304 : 412;
    return 'proceed';
  }
  return method === 'GET' && ims === LATER ? 304 : 'proceed';
}
