import 'reflect-metadata';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import {
  cloudflarePurger,
  cloudFrontPurger,
  fastlyPurger,
  HttpCache,
  varnishPurger,
  type HttpCacheModuleOptions,
  type HttpCacheOptions,
} from '@strata-cache/nestjs';
import { effectivePolicy } from '../../libs/nestjs/src/http-cache/effective-policy.js';
import { resolveRoutePolicy, STORE_DEFAULTS } from '../../libs/nestjs/src/http-cache/route-policy.js';
import { HTTP_DEFAULTS, resolveSettings } from '../../libs/nestjs/src/http-cache/settings.js';
import { CLOUDFLARE_DEFAULTS } from '../../libs/nestjs/src/purging/cloudflare-purger.js';
import { CLOUDFRONT_DEFAULTS } from '../../libs/nestjs/src/purging/cloudfront-purger.js';
import { FASTLY_DEFAULTS } from '../../libs/nestjs/src/purging/fastly-purger.js';
import { resolvePurging } from '../../libs/nestjs/src/purging/purge-options.js';
import { VARNISH_DEFAULTS } from '../../libs/nestjs/src/purging/varnish-purger.js';
import { tablesOf, textOf, type Table } from './markdown.js';
import { defaultsOf, knownOptions, messageOf } from './option-tables.js';

const tables = tablesOf('docs/http.md');

function table(name: string): Table {
  const found = tables.get(name);
  if (found === undefined) throw new Error(`docs/http.md has no table "${name}"`);
  return found;
}

const unknown = { nonsense: 1 } as any;
const fastly = { serviceId: 'x', token: 'x' };
const cloudflare = { zoneId: 'x', token: 'x' };

describe('docs/http.md names exactly the options the code knows', () => {
  it.each<[string, () => unknown]>([
    ['HttpCache', () => resolveRoutePolicy('Site.method', unknown)],
    ['HttpCache', () => HttpCache(unknown)(class {}.prototype, 'x', { value: () => undefined })],
    ['store', () => resolveRoutePolicy('Site.method', { scope: 'public', store: unknown })],
    ['http', () => resolveSettings(unknown, '')],
    ['purging', () => resolvePurging(unknown)],
    ['varnishPurger', () => varnishPurger(unknown)],
    ['fastlyPurger', () => fastlyPurger(unknown)],
    ['cloudflarePurger', () => cloudflarePurger(unknown)],
    ['cloudFrontPurger', () => cloudFrontPurger(unknown)],
  ])('%s', async (name, run) => {
    expect([...table(name).keys()].sort()).toEqual(await knownOptions(run));
  });
});

describe('docs/http.md names the defaults of the code', () => {
  it('of @HttpCache', () => {
    const policy = resolveRoutePolicy('Site.method', {});
    for (const [option, value] of Object.entries(defaultsOf(table('HttpCache')))) {
      expect([option, policy[option as keyof typeof policy]]).toEqual([option, value]);
    }
    // What has no default is off.
    expect(policy).toMatchObject({ mustRevalidate: false, immutable: false, noTransform: false });
    expect(policy).toMatchObject({ shareAuthenticated: false, allowSetCookie: false, store: undefined, vary: [] });
  });

  it('of store', () => {
    const { statuses, ...rest } = resolveRoutePolicy('Site.method', { scope: 'public', store: true }).store!;
    const documented = defaultsOf(table('store'));
    expect(documented).toEqual({ ...documented, statuses: [...statuses] });
    expect(rest).toMatchObject(Object.fromEntries(Object.entries(documented).filter(([name]) => name !== 'statuses')));
    expect(Object.keys(STORE_DEFAULTS).sort()).toEqual(Object.keys(documented).sort());
  });

  it('of http', () => {
    const documented = defaultsOf(table('http'));
    expect(documented).toEqual(HTTP_DEFAULTS);
    const settings = resolveSettings(undefined, '1.2.3');
    expect(settings).toMatchObject({ global: false, salt: '1.2.3', tagHeaders: [], statusName: 'strata' });
    const purgers = [varnishPurger({ endpoints: 'http://v' }), fastlyPurger(fastly)];
    const given: HttpCacheModuleOptions = { purgers };
    expect(resolveSettings(given, '').tagHeaders).toEqual(['xkey', 'surrogate-key']);
  });

  it('of http.purging', () => {
    expect(defaultsOf(table('purging'))).toEqual(resolvePurging());
  });

  it('of the purgers', () => {
    expect(defaultsOf(table('varnishPurger'))).toEqual(VARNISH_DEFAULTS);
    expect(defaultsOf(table('fastlyPurger'))).toEqual(FASTLY_DEFAULTS);
    expect(defaultsOf(table('cloudflarePurger'))).toEqual(CLOUDFLARE_DEFAULTS);
    expect(defaultsOf(table('cloudFrontPurger'))).toEqual(CLOUDFRONT_DEFAULTS);
    expect(cloudflarePurger(cloudflare).limits).toMatchObject({ perSecond: 5 / 60, burst: 25 });
  });

  it('what is required', async () => {
    const required = (name: string): readonly string[] =>
      [...table(name)].filter(([, [cell]]) => cell.includes('required')).map(([option]) => option);
    for (const option of required('fastlyPurger')) {
      expect(await messageOf(() => fastlyPurger({ ...fastly, [option]: undefined } as any))).toContain('is required');
    }
    for (const option of required('cloudflarePurger')) {
      const without = { ...cloudflare, [option]: undefined } as any;
      expect(await messageOf(() => cloudflarePurger(without))).toContain('is required');
    }
    expect(required('varnishPurger')).toEqual(['endpoints']);
    expect(await messageOf(() => varnishPurger({} as any))).toContain('endpoints is required');
  });
});

/** The rows of the decision table whose policy is a whole one: its options, and what it says goes out. */
const decisions = textOf('docs/http.md')
  .split('\n')
  .flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [options, sent] = [/^`(\{.*?\})`/.exec(cells[2] ?? '')?.[1], /^`([^`]+)`/.exec(cells[3] ?? '')?.[1]];
    return options === undefined || sent === undefined ? [] : [[options, sent] as const];
  });

describe('the decision table of docs/http.md', () => {
  it('has rows that can be tried', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(8);
  });

  it.each(decisions)('%s sends %s', (options, sent) => {
    const given = runInNewContext(`(${options})`, { version: () => 1, tags: ['a'] }) as HttpCacheOptions;
    const route = resolveRoutePolicy('Site.method', given);
    const facts = { method: 'GET', status: 200, identity: undefined, setsCookie: false, hasOwnPolicy: false };
    expect(effectivePolicy(route, facts).cacheControl).toBe(sent);
  });
});
