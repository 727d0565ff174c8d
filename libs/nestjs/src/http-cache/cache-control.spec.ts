import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deltaSeconds, formatCacheControl, parseCacheControl, secondsOf } from './cache-control.js';

const maxAge = (value: string | string[]): number | undefined => deltaSeconds(parseCacheControl(value), 'max-age');

describe('Cache-Control', () => {
  it.each<[string, string | string[], number | undefined]>([
    ['plain', 'max-age=60', 60],
    ['any case', 'MAX-AGE=60', 60],
    ['leading zeros', 'max-age=0060', 60],
    ['a quoted argument', 'max-age="60"', 60],
    ['among others', 'public,max-age=60 , foo="a,b"', 60],
    ['empty members', ',, max-age=60,,', 60],
    ['inside a quoted string', 'ext="max-age=60"', undefined],
    ['inside a quoted string with escapes', 'ext="\\", max-age=60"', undefined],
    ['the lowest of several', 'max-age=60, max-age=10', 10],
    ['several lines', ['max-age=60', 'max-age=10'], 10],
    ['negative', 'max-age=-60', 0],
    ['no number', 'max-age=abc', 0],
    ['a fraction', 'max-age=1.5', 0],
    ['single quotes', "max-age='60'", 0],
    ['no argument', 'max-age', 0],
    ['beyond 2^31', 'max-age=99999999999', 2 ** 31],
    ['absent', 'public', undefined],
  ])('reads max-age: %s', (_name, value, expected) => {
    expect(maxAge(value)).toBe(expected);
  });

  it('goes on after what is no directive', () => {
    const directives = parseCacheControl('max-age =10, "x", no store, private="a, b", no-store');
    expect([...directives.keys()]).toEqual(expect.arrayContaining(['private', 'no-store']));
    expect(directives.get('private')).toEqual(['a, b']);
    expect(directives.has('max-age')).toBe(false);
  });

  it('ends for whatever text, in time that grows with its length', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseCacheControl(text)));
    expect(parseCacheControl(`${'"'.repeat(50_000)}, no-store`)).toBeInstanceOf(Map);
    expect(parseCacheControl(`${'a="\\'.repeat(10_000)}`)).toBeInstanceOf(Map);
    expect(parseCacheControl(`${' ,'.repeat(50_000)}no-store`).has('no-store')).toBe(true);
  });

  it('writes whole seconds, at most 2^31 (RFC 9111 section 1.2.2)', () => {
    expect(secondsOf(1_999)).toBe(1);
    expect(secondsOf(Number.MAX_SAFE_INTEGER)).toBe(2 ** 31);
  });

  it('reads what it writes', () => {
    const text = formatCacheControl({
      visibility: 'public',
      maxAge: 60_000,
      sMaxAge: 120_000,
      immutable: true,
      noTransform: true,
      staleWhileRevalidate: 5_000,
      staleIfError: 6_000,
    });
    expect(text).toBe(
      'public, max-age=60, s-maxage=120, immutable, no-transform, stale-while-revalidate=5, stale-if-error=6',
    );
    expect(deltaSeconds(parseCacheControl(text), 's-maxage')).toBe(120);
    expect(formatCacheControl({ visibility: 'private', noCache: true, mustRevalidate: true })).toBe(
      'private, no-cache, must-revalidate',
    );
    expect(formatCacheControl({ visibility: 'no-store', maxAge: 1 })).toBe('no-store');
  });
});
