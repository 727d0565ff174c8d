import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDictionary, parseList } from 'structured-headers';
import { formatCacheControl } from './cache-control.js';
import { formatCacheStatus, type CacheStatus } from './cache-status.js';
import { isFieldValue } from './field.js';
import { identityOf } from './identity.js';
import { fieldsKey, guardKey, representationKey, resourceTag, sameOriginTarget } from './representation-key.js';
import { storedFields } from './stored-headers.js';
import { CATCH_ALL_TAG } from '../cdn-tag.js';
import { TAG_HEADERS, tagFields } from './tag-headers.js';
import { mergeVary, nominatedValue, parseVary } from './vary.js';

describe('Vary', () => {
  it.each<[string, string | string[] | undefined, unknown]>([
    ['absent', undefined, []],
    ['one', 'Accept', ['accept']],
    ['several lines, each once', ['Accept, Foo', 'foo'], ['accept', 'foo']],
    ['empty members', ', Foo,,', ['foo']],
    ['a star', '*', '*'],
    ['a star among names', 'Foo, *', '*'],
    ['two stars', '*, *', '*'],
    ['a star on another line', ['Foo', '*'], '*'],
    ['what is no name', 'a b', '*'],
  ])('reads %s', (_name, value, expected) => {
    expect(parseVary(value)).toEqual(expected);
  });

  it('appends what is missing, whatever the case', () => {
    expect(mergeVary('Origin', ['accept-language', 'ORIGIN'])).toBe('Origin, accept-language');
    expect(mergeVary(undefined, ['a'])).toBe('a');
    expect(mergeVary('*', ['a'])).toBe('*');
    expect(mergeVary(undefined, [])).toBeUndefined();
  });

  it('compares values without regard to white space around commas and to lines', () => {
    const value = nominatedValue({ foo: '1, 2' }, 'foo');
    expect(nominatedValue({ foo: ' 1  ,2' }, 'foo')).toBe(value);
    expect(nominatedValue({ foo: ['1', '2'] }, 'foo')).toBe(value);
    expect(nominatedValue({ foo: '2,1' }, 'foo')).not.toBe(value);
    expect(nominatedValue({}, 'foo')).toBeNull();
    expect(nominatedValue({ foo: '' }, 'foo')).toBe('');
  });
});

describe('tag fields', () => {
  it('writes each in the syntax of its CDN', () => {
    const fields = tagFields(['Surrogate-Key', 'cache-tag', 'xkey', 'cache-groups'], ['Product:1', 'all']);
    expect(fields.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'Surrogate-Key: product:1 all',
      'cache-tag: product:1,all',
      'xkey: product:1 all',
      'cache-groups: "product:1", "all"',
    ]);
  });

  it('is always a valid field, whatever the tags, and never leaves one out silently', () => {
    const tags = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(tags, (given) => {
        for (const { name, value, degraded } of tagFields(TAG_HEADERS, given)) {
          expect(isFieldValue(value)).toBe(true);
          const separator = name === 'cache-groups' ? ', ' : name === 'surrogate-key' || name === 'xkey' ? ' ' : ',';
          const distinct = new Set(given).size;
          const sent = value.split(separator).length;
          if (degraded) expect(value.replaceAll('"', '')).toBe(CATCH_ALL_TAG);
          // Two tags that differ in case only are one to a CDN.
          else expect(sent).toBeLessThanOrEqual(distinct);
          if (name === 'cache-groups') expect(parseList(value)).toHaveLength(sent);
        }
      }),
    );
  });

  it('degrades a huge list to the one tag that purges reach', () => {
    const tags = Array.from({ length: 5_000 }, (_, index) => `product:${index}`);
    for (const { value, degraded } of tagFields(TAG_HEADERS, tags)) {
      expect(degraded).toBe(true);
      expect(value.length).toBeLessThan(100);
    }
    expect(tagFields(TAG_HEADERS, [])).toEqual([]);
  });
});

describe('Cache-Status and targeted fields', () => {
  it.each<[CacheStatus, string]>([
    [{ hit: true, ttl: 42 }, 'strata; hit; ttl=42'],
    [{ hit: true, ttl: -3 }, 'strata; hit; ttl=-3'],
    [{ forward: 'uri-miss', stored: true }, 'strata; fwd=uri-miss; stored'],
    [{ forward: 'uri-miss', collapsed: true, ttl: 5 }, 'strata; fwd=uri-miss; ttl=5; collapsed'],
    [{ hit: true, forward: 'stale', forwardStatus: 500 }, 'strata; hit; fwd=stale; fwd-status=500'],
  ])('%j', (status, expected) => {
    expect(formatCacheStatus('strata', status, undefined, true)).toBe(expected);
    expect(parseList(expected)).toHaveLength(1);
  });

  it('keeps what other caches said in front', () => {
    const both = formatCacheStatus('strata', { hit: true, detail: 'x' }, 'inner; fwd=miss', false);
    expect(parseList(both).map(([item]) => String(item))).toEqual(['inner', 'strata']);
  });

  it('writes targeted fields as a dictionary of integers (RFC 9213)', () => {
    const text = formatCacheControl({ visibility: undefined, maxAge: 60_000, staleWhileRevalidate: 5_000 });
    expect([...parseDictionary(text)].map(([name, [value]]) => [name, value])).toEqual([
      ['max-age', 60],
      ['stale-while-revalidate', 5],
    ]);
  });
});

describe('keys', () => {
  const base = {
    salt: 's',
    host: 'a',
    handler: 'A.b',
    target: '/x?b=1&a=2',
    routed: '',
    query: 'all',
    version: '',
    guard: '',
    by: '',
    vary: '',
  } as const;

  it('keeps everything apart that is part of it', () => {
    const keys = [
      base,
      { ...base, salt: 't' },
      { ...base, version: '"1"' },
      { ...base, host: 'b' },
      { ...base, handler: 'A.c' },
      { ...base, routed: '/y' },
      { ...base, target: '/x?a=2&b=1' },
      { ...base, by: '=1' },
      { ...base, vary: fieldsKey(['en']) },
      { ...base, vary: fieldsKey([null]) },
      { ...base, vary: fieldsKey(['']) },
      { ...base, guard: guardKey(['x-forwarded-host'], { 'x-forwarded-host': 'evil' }) },
    ].map(representationKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is text the engine takes as it is, short of what it hashes', () => {
    const keys = ['/a=b', '/a=3d=b', '/a:b?c="d"', '/ä', `/${'x'.repeat(500)}`, `/${'x'.repeat(500)}=`].map((target) =>
      representationKey({ ...base, target }),
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys.slice(0, 4)) expect(key).toMatch(/^[0-9A-Za-z\-_.,/+=$]+$/);
    const text = fc.string({ unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [key, otherKey] = [one, other].map((target) => representationKey({ ...base, target }));
        expect(key === otherKey).toBe(one === other);
      }),
    );
  });

  it('picks query parameters in one order', () => {
    const picked = { ...base, query: ['a', 'b'] };
    expect(representationKey({ ...picked, target: '/x?b=1&a=2&utm=3' })).toBe(
      representationKey({ ...picked, target: '/x?a=2&b=1' }),
    );
    expect(representationKey({ ...picked, target: '/x?utm=3' })).toBe(representationKey({ ...picked, target: '/x' }));
    expect(representationKey({ ...picked, target: '/x?a=1&a=2' })).not.toBe(
      representationKey({ ...picked, target: '/x?a=2&a=1' }),
    );
  });

  it('never lets two field values pose as others', () => {
    const value = fc.option(fc.string({ unit: 'grapheme-ascii' }), { nil: null });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), fc.array(value, { maxLength: 4 }), (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        if (one.length === other.length) expect(fieldsKey(one) === fieldsKey(other)).toBe(same);
      }),
    );
  });

  it('has one tag for a path with all its queries', () => {
    expect(resourceTag('A.example', '/x?a=1')).toBe(resourceTag('a.example', '/x'));
    expect(resourceTag('a', '/x')).not.toBe(resourceTag('b', '/x'));
  });

  it.each([
    ['/y', '/y'],
    ['y?z=1', '/a/y?z=1'],
    ['http://h:1/y', '/y'],
    ['http://other/y', undefined],
    ['https://h:1/y', undefined],
    ['//other/y', undefined],
    ['http://[', undefined],
    ['javascript:alert(1)', undefined],
  ])('a Location of %s concerns %s', (location, expected) => {
    expect(sameOriginTarget(location, 'http', 'h:1', '/a/x')).toBe(expected);
  });
});

describe('stored fields', () => {
  it('are those the handler added or changed, and none of one hop, user or moment', () => {
    const before = { 'access-control-allow-origin': 'a', 'x-powered-by': 'Nest', 'x-changed': '1', vary: 'Origin' };
    const after = {
      ...before,
      'x-changed': '2',
      'x-new': ['a', 'b'],
      'set-cookie': 'sid=1',
      connection: 'x-hop',
      'x-hop': '1',
      'keep-alive': 'timeout=5',
      'access-control-expose-headers': 'x',
      'x-request-id': '1',
      'x-ratelimit-remaining': '3',
      'server-timing': 'db',
      'cache-status': 'inner; hit',
      age: '3',
    };
    expect(storedFields(before, after)).toEqual(
      [
        ['vary', 'Origin'],
        ['x-changed', '2'],
        ['x-new', ['a', 'b']],
      ].sort(
        (one, other) => Object.keys(after).indexOf(one[0] as string) - Object.keys(after).indexOf(other[0] as string),
      ),
    );
  });
});

describe('identity', () => {
  const rule = { headers: ['authorization'], cookies: true as boolean | readonly string[], user: (r: any) => r.user };

  it.each<[string, object, boolean | string[], object, string | undefined]>([
    ['nobody', {}, true, {}, undefined],
    ['Authorization', { authorization: 'Bearer x' }, true, {}, 'authorization'],
    ['an empty one counts', { authorization: '' }, true, {}, 'authorization'],
    ['any cookie', { cookie: 'a=1' }, true, {}, 'cookie'],
    ['no cookie counts', { cookie: 'a=1' }, false, {}, undefined],
    ['a named cookie', { cookie: 'a=1; sid=2' }, ['sid'], {}, 'cookie'],
    ['another cookie', { cookie: 'a=1; xsid=2; y=sid' }, ['sid'], {}, undefined],
    ['a user', {}, true, { user: { id: 1 } }, 'user'],
  ])('%s', (_name, fields, cookies, request, expected) => {
    expect(identityOf({ ...rule, cookies }, fields as Record<string, string>, request)).toBe(expected);
  });
});
