import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cdnTag } from './cdn-tag.js';

describe('cdnTag', () => {
  it('leaves a plain tag as it is', () => {
    expect(cdnTag('product:42')).toBe('product:42');
    expect(cdnTag('a/b_c.d-e')).toBe('a/b_c.d-e');
  });

  it('folds case, because CDNs do', () => {
    expect(cdnTag('Category:Oak')).toBe(cdnTag('category:oak'));
  });

  it('keeps tags apart that differ in what is replaced', () => {
    const names = ['a b', 'a\tb', 'a,b', 'a"b', 'aäb', 'a_b', 'a\r\nb'];
    expect(new Set(names.map(cdnTag)).size).toBe(names.length);
  });

  it('hashes what is too long instead of cutting it', () => {
    const [one, other] = ['x'.repeat(300) + '1', 'x'.repeat(300) + '2'];
    expect(cdnTag(one)).toHaveLength(128);
    expect(cdnTag(one)).not.toBe(cdnTag(other));
  });

  it('is safe in a header of any CDN, and stable, whatever comes', () => {
    let seen = 0;
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 400, unit: 'binary' }), (tag) => {
        seen += 1;
        const first = cdnTag(tag);
        expect(first).toMatch(/^[a-z0-9:_./-]{1,128}$/);
        expect(cdnTag(tag)).toBe(first);
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThanOrEqual(500);
  });
});
