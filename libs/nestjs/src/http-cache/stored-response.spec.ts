import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@strata-cache/core/testing';
import fc from 'fast-check';
import CachePolicy from 'http-cache-semantics';
import { Capture, type CaptureOutcome } from './capture.js';
import { commit, settle } from './commit.js';
import { Exchange } from './exchange.js';
import type { FieldValue } from './field.js';
import type { ResponseHead } from './response-head.js';
import { variantFor } from './response-fill.js';
import { resolveRoutePolicy } from './route-policy.js';
import { resolveSettings } from './settings.js';
import { responseSerializer, type StoredResponse, type StoredVariant } from './stored-response.js';
import { VariantLimit } from './variant-limit.js';

const VARIANT: StoredVariant = {
  vary: [['accept', null]],
  status: 200,
  fields: [
    ['content-type', 'text/plain'],
    ['link', ['<a>', '<b>']],
  ],
  body: Buffer.from([0, 1, 2, 255]),
  etag: '"1"',
  lastModified: undefined,
  storedAt: 1,
  age: 0,
  freshFor: 60_000,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  forAuthenticated: true,
};

describe('stored responses on the wire', () => {
  const bytes = (stored: StoredResponse): Buffer => Buffer.from(responseSerializer.serialize(stored) as Uint8Array);

  it('come back as they went, bytes as bytes', () => {
    const stored = { variants: [VARIANT, { ...VARIANT, vary: [], body: Buffer.alloc(0) }] };
    expect(responseSerializer.deserialize(bytes(stored))).toEqual(stored);
    expect(bytes(stored).length).toBeLessThan(700);
  });

  it('are misses when they are cut or not theirs', () => {
    const whole = bytes({ variants: [VARIANT] });
    for (let length = 0; length < whole.length; length++) {
      expect(() => responseSerializer.deserialize(whole.subarray(0, length))).toThrow();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => responseSerializer.deserialize(Buffer.from(noise))).toThrow();
      }),
    );
  });

  it('are found by the fields they were made for', () => {
    const stored = { variants: [VARIANT, { ...VARIANT, vary: [['accept', 'a,b']] as const, status: 203 }] };
    expect(variantFor(stored, {})?.status).toBe(200);
    expect(variantFor(stored, { accept: 'a, b' })?.status).toBe(203);
    expect(variantFor(stored, { accept: 'c' })).toBeUndefined();
  });
});

describe('the limit of variants', () => {
  it('admits so many, and those again, until their time is over', () => {
    const limit = new VariantLimit();
    const admits = (variant: string, now = 0): boolean => limit.admits('r', variant, 2, now, 1_000);
    expect(['a', 'b', 'c', 'a', 'c'].map((variant) => admits(variant))).toEqual([true, true, false, true, false]);
    expect(limit.admits('other', 'c', 2, 0, 1_000)).toBe(true);
    expect(admits('c', 1_000)).toBe(true);
  });
});

/** A head that is a map, as every platform's is in the end. */
function headOf(status: number, fields: Record<string, string>): ResponseHead {
  const map = new Map<string, FieldValue>(Object.entries(fields));
  return {
    status,
    get: (name) => map.get(name.toLowerCase()),
    set: (name, value) => void map.set(name.toLowerCase(), value),
    remove: (name) => void map.delete(name.toLowerCase()),
    fields: () => Object.fromEntries(map),
  };
}

describe('what is stored', () => {
  const clock = new FakeClock(Date.now() - (Date.now() % 1_000));
  const settings = resolveSettings({ salt: '' }, '');
  const route = resolveRoutePolicy('C.m', {
    scope: 'public',
    shareAuthenticated: true,
    store: { statuses: [200, 203, 204, 301, 302, 307, 308] },
    // The oracle knows no 5xx.
    errors: { 404: {}, 410: {} },
  });

  async function outcomeOf(
    status: number,
    requestFields: Record<string, string>,
    fields: Record<string, string>,
  ): Promise<CaptureOutcome> {
    const view = {
      method: 'GET',
      target: '/',
      routed: '/',
      fields: requestFields,
      host: 'h',
      protocol: 'http',
      native: {},
    };
    const exchange = new Exchange(view, route, settings, clock);
    exchange.capture = new Capture();
    const head = headOf(status, fields);
    commit(exchange, head, 'body');
    settle(exchange, head.status, false);
    return exchange.capture.outcome;
  }

  it('is nothing that http-cache-semantics would not store, and is never fresh for longer', async () => {
    const directive = fc.constantFrom(
      'public',
      'private',
      'no-store',
      'no-cache',
      'must-revalidate',
      'proxy-revalidate',
      'immutable',
      'max-age=0',
      'max-age=60',
      'max-age=3600',
      's-maxage=0',
      's-maxage=100',
      'stale-while-revalidate=5',
      'foo',
      'no-transform',
    );
    const given = fc.record({
      status: fc.constantFrom(200, 203, 204, 206, 301, 302, 303, 307, 308, 404, 410, 500, 503),
      directives: fc.uniqueArray(directive, { maxLength: 5 }),
      expires: fc.option(fc.integer({ min: -100, max: 5_000 }), { nil: undefined }),
      age: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
      vary: fc.constantFrom(undefined, 'accept', '*'),
      authorization: fc.boolean(),
      noStore: fc.boolean(),
    });
    let stored = 0;
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(given, async ({ status, directives, expires, age, vary, authorization, noStore }) => {
        const now = clock.wall();
        const headers: Record<string, string> = { date: new Date(now).toUTCString(), etag: '"x"' };
        if (directives.length > 0) headers['cache-control'] = directives.join(', ');
        if (expires !== undefined) headers.expires = new Date(now + expires * 1_000).toUTCString();
        if (age !== undefined) headers.age = String(age);
        if (vary !== undefined) headers.vary = vary;
        const requestFields: Record<string, string> = {
          ...(authorization && { authorization: 'x' }),
          ...(noStore && { 'cache-control': 'no-store' }),
        };
        const outcome = await outcomeOf(status, requestFields, { ...headers });
        compared++;
        if (!('stored' in outcome)) return;
        stored++;
        const request = { url: '/', method: 'GET', headers: requestFields };
        const oracle = new CachePolicy(request, { status, headers }, { shared: true, cacheHeuristic: 0 });
        expect(oracle.storable()).toBe(true);
        // The oracle takes must-revalidate and proxy-revalidate for "never fresh" (its pull request #54); they forbid stale use only.
        const isWrong = directives.some((one) => one.endsWith('-revalidate') && !one.includes('while'));
        if (!isWrong) expect(outcome.stored.freshFor).toBeLessThanOrEqual(oracle.timeToLive() + 2_000);
        expect(vary).not.toBe('*');
        expect(directives).not.toContain('no-cache');
      }),
      { numRuns: 2_000 },
    );
    expect(compared).toBeGreaterThanOrEqual(2_000);
    // A property about nothing would hold as well.
    expect(stored).toBeGreaterThan(50);
  });
});
