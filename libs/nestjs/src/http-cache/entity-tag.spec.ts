import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bodyEntityTag,
  isEntityTag,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
  versionEntityTag,
  matchesVersion,
  mixDigest,
} from './entity-tag.js';

describe('entity tags', () => {
  // The table of RFC 9110 section 8.8.3.2.
  it.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ])('compares %s with %s', (one, other, strong, weak) => {
    expect(matchesStrongly(one, other)).toBe(strong);
    expect(matchesWeakly(one, other)).toBe(weak);
  });

  it.each<[string, string | string[], unknown]>([
    ['one', '"a"', ['"a"']],
    ['several', '"a", W/"b" ,"c"', ['"a"', 'W/"b"', '"c"']],
    ['commas inside', '"a,b", "c"', ['"a,b"', '"c"']],
    ['several lines', ['"a"', '"b"'], ['"a"', '"b"']],
    ['obs-text', '"\xe9"', ['"\xe9"']],
    ['any', ' * ', '*'],
    ['a star among tags is none', '"a", *', ['"a"']],
    ['unquoted', 'a', []],
    ['empty members', ', "a",, "b",', ['"a"', '"b"']],
    ['lower-case weakness', 'w/"a"', []],
    ['empty', '', []],
  ])('reads a list: %s', (_name, value, expected) => {
    expect(parseEntityTags(value)).toEqual(expected);
  });

  it('makes a valid tag of any version, another one for another version', () => {
    const strength = fc.constantFrom('weak' as const, 'strong' as const);
    const version = fc.string({ unit: 'binary', maxLength: 200 });
    const mixes = fc.string().map((text) => (text === '' ? '' : mixDigest(text)));
    fc.assert(
      fc.property(version, version, mixes, strength, (one, other, mix, kind) => {
        const tag = versionEntityTag(one, mix, kind);
        expect(isEntityTag(tag)).toBe(true);
        expect(parseEntityTags(`"x", ${tag}`)).toEqual(['"x"', tag]);
        expect(tag === versionEntityTag(other, mix, kind)).toBe(one === other);
        expect(matchesVersion(tag, versionEntityTag(one, '', kind))).toBe(kind === 'strong');
        expect(matchesVersion(tag, versionEntityTag(other, '', kind))).toBe(kind === 'strong' && one === other);
      }),
    );
  });

  it('takes an own tag as it is', () => {
    expect(matchesVersion('"x~2"', '"x~1"')).toBe(false);
    expect(matchesVersion('"x~1"', '"x~1"')).toBe(true);
    expect(matchesVersion('W/"x"', '"x"')).toBe(false);
  });

  it('keeps a readable version readable', () => {
    expect(versionEntityTag('42', '', 'strong')).toBe('"42"');
    expect(versionEntityTag('a"b', '', 'weak')).toMatch(/^W\/"\.[\w-]{27}"$/);
  });

  it('gives text and its bytes one tag', () => {
    expect(bodyEntityTag('{"é":1}', 'weak')).toBe(bodyEntityTag(Buffer.from('{"é":1}'), 'weak'));
    expect(bodyEntityTag('a', 'strong')).not.toBe(bodyEntityTag('b', 'strong'));
  });
});
