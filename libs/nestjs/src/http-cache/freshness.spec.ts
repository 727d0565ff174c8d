import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import CachePolicy from 'http-cache-semantics';
import { formatCacheControl, parseCacheControl } from './cache-control.js';
import { freshnessOf, parseAge } from './freshness.js';
import { formatHttpDate } from './http-date.js';

const NOW = Date.UTC(2026, 0, 1);
const at = (seconds: number): string => formatHttpDate(NOW + seconds * 1_000);

function fresh(fields: { cc?: string; expires?: string | string[]; date?: string; age?: string }): number {
  const directives = parseCacheControl(fields.cc);
  const { lifetime, age } = freshnessOf(
    { directives, expires: fields.expires, date: fields.date, age: fields.age },
    NOW,
  );
  return (lifetime - age) / 1_000;
}

describe('freshness', () => {
  it.each<[string, Parameters<typeof fresh>[0], number]>([
    ['nothing said', {}, 0],
    ['max-age', { cc: 'max-age=60' }, 60],
    ['s-maxage before max-age', { cc: 'max-age=60, s-maxage=10' }, 10],
    ['max-age before Expires', { cc: 'max-age=60', expires: at(600) }, 60],
    ['Expires', { expires: at(60), date: at(0) }, 60],
    ['Expires without Date', { expires: at(60) }, 60],
    ['Expires counts from Date', { expires: at(60), date: at(-10) }, 60],
    ['Expires in the past', { expires: at(-60), date: at(0) }, 0],
    ['Expires that is no date', { expires: '0' }, 0],
    ['two Expires', { expires: [at(60), at(60)] }, 0],
    ['Age counts', { cc: 'max-age=60', age: '50' }, 10],
    ['an old Date counts', { cc: 'max-age=60', date: at(-50) }, 10],
    ['a Date to come does not', { cc: 'max-age=60', date: at(50) }, 60],
  ])('%s', (_name, fields, expected) => {
    expect(fresh(fields)).toBe(expected);
  });

  it.each([
    ['60', 60],
    ['60, 0', 60],
    ['0, 60', 0],
    ['abc', 0],
    ['-60', 0],
    ['60.5', 0],
    ['60s', 0],
    ['2147483649', 2 ** 31],
    [undefined, 0],
  ])('Age %s is %s', (text, expected) => {
    expect(parseAge(text)).toBe(expected);
  });

  it.each([
    ['max-age=1, stale-while-revalidate=60', 60],
    ['max-age=1, stale-while-revalidate=60, must-revalidate', 0],
    ['max-age=1, stale-while-revalidate=60, proxy-revalidate', 0],
    ['s-maxage=1, stale-while-revalidate=60', 0],
    ['no-cache, stale-while-revalidate=60', 0],
  ])('stale use of %s: %s s', (cc, expected) => {
    const directives = parseCacheControl(cc);
    const freshness = freshnessOf({ directives, expires: undefined, date: undefined, age: undefined }, NOW);
    expect(freshness.staleWhileRevalidate).toBe(expected * 1_000);
  });

  it('agrees with http-cache-semantics on well-formed responses', () => {
    const seconds = fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined });
    let compared = 0;
    fc.assert(
      fc.property(seconds, seconds, seconds, seconds, (maxAge, sMaxAge, expires, age) => {
        const cc = formatCacheControl({
          visibility: 'public',
          maxAge: maxAge === undefined ? undefined : maxAge * 1_000,
          sMaxAge: sMaxAge === undefined ? undefined : sMaxAge * 1_000,
        });
        const headers: Record<string, string> = { 'cache-control': cc, date: new Date().toUTCString() };
        const now = Date.parse(headers.date);
        if (expires !== undefined) headers.expires = formatHttpDate(now + expires * 1_000);
        if (age !== undefined) headers.age = String(age);
        const oracle = new CachePolicy(
          { url: '/', method: 'GET', headers: {} },
          { status: 200, headers },
          { cacheHeuristic: 0 },
        );
        const directives = parseCacheControl(cc);
        const ours = freshnessOf({ directives, expires: headers.expires, date: headers.date, age: headers.age }, now);
        expect(Math.max(0, ours.lifetime - ours.age)).toBeLessThanOrEqual(oracle.timeToLive() + 1_500);
        expect(Math.max(0, ours.lifetime - ours.age)).toBeGreaterThanOrEqual(oracle.timeToLive() - 1_500);
        compared++;
      }),
      { numRuns: 500 },
    );
    expect(compared).toBeGreaterThanOrEqual(500);
  });
});
