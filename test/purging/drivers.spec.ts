import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheConfigError } from '@strata-cache/core';
import { CATCH_ALL_TAG } from '../../libs/nestjs/src/cdn-tag.js';
import { tagFields } from '../../libs/nestjs/src/http-cache/tag-headers.js';
import { cloudflarePurger } from '../../libs/nestjs/src/purging/cloudflare-purger.js';
import { cloudFrontPurger, type CloudFrontInvalidation } from '../../libs/nestjs/src/purging/cloudfront-purger.js';
import { fastlyPurger } from '../../libs/nestjs/src/purging/fastly-purger.js';
import type { PurgeAnswer, PurgeBatch, Purger } from '../../libs/nestjs/src/purging/purger.js';
import { varnishPurger } from '../../libs/nestjs/src/purging/varnish-purger.js';
import { stopAll } from '../support/process-keeper.js';
import { json, RecordedApi, type RecordedRequest } from './recorded-api.js';

afterAll(stopAll);

const softTags: PurgeBatch = { kind: 'tags', names: ['product:1', 'product:2'], soft: true };
const hardTags: PurgeBatch = { ...softTags, soft: false };
const url: PurgeBatch = { kind: 'urls', names: ['https://shop.example:8443/products/1?b=2&a=1'], soft: true };

async function send(purger: Purger, batch: PurgeBatch): Promise<PurgeAnswer> {
  return purger.send(purger.endpoints[0], batch, new AbortController().signal);
}

/** All but what every HTTP/1.1 client sends. */
function sent({ method, url: path, headers, body }: RecordedRequest): unknown {
  return { method, path, headers: headers.filter(([name, value]) => name !== 'Connection' && value !== '0'), body };
}

describe('fastly', () => {
  let api: RecordedApi;
  const purger = (options = {}): Purger =>
    fastlyPurger({ serviceId: 'SU1Z0isxPaozGVKXdv0eY', token: 'secret-token', endpoint: api.url, ...options });
  beforeAll(async () => {
    api = await RecordedApi.start(json(200, { 'product:1': 'purge-id' }));
  });

  it('keys: soft by default, hard when asked for', async () => {
    expect(await send(purger(), softTags)).toEqual({ outcome: 'done' });
    expect(await send(purger(), hardTags)).toEqual({ outcome: 'done' });
    const body = '{"surrogate_keys":["product:1","product:2"]}';
    const host = api.url.slice('http://'.length);
    expect(api.requests.splice(0).map(sent)).toEqual([
      {
        method: 'POST',
        path: '/service/SU1Z0isxPaozGVKXdv0eY/purge',
        headers: [
          ['Accept', 'application/json'],
          ['Fastly-Key', 'secret-token'],
          ['Fastly-Soft-Purge', '1'],
          ['Content-Type', 'application/json'],
          ['Content-Length', String(body.length)],
          ['Host', host],
        ],
        body,
      },
      {
        method: 'POST',
        path: '/service/SU1Z0isxPaozGVKXdv0eY/purge',
        headers: [
          ['Accept', 'application/json'],
          ['Fastly-Key', 'secret-token'],
          ['Content-Type', 'application/json'],
          ['Content-Length', String(body.length)],
          ['Host', host],
        ],
        body,
      },
    ]);
  });

  it('a URL and everything', async () => {
    await send(purger(), url);
    await send(purger(), { kind: 'all' });
    expect(api.requests.splice(0).map(({ method, url: path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: '/purge/shop.example:8443/products/1?b=2&a=1', body: '' },
      { method: 'POST', path: '/service/SU1Z0isxPaozGVKXdv0eY/purge_all', body: '' },
    ]);
  });

  it('256 keys a request, soft unless told otherwise', () => {
    expect(purger().limits.tagsPerRequest).toBe(256);
    expect([purger().soft, purger({ soft: false }).soft]).toEqual([true, false]);
    expect(purger().tagHeader).toBe('surrogate-key');
  });
});

describe('cloudflare', () => {
  let api: RecordedApi;
  const purger = (options = {}): Purger =>
    cloudflarePurger({ zoneId: '023e105f4ecef8ad', token: 'secret-token', endpoint: api.url, ...options });
  beforeAll(async () => {
    api = await RecordedApi.start(json(200, { success: true, errors: [], result: { id: 'x' } }));
  });

  it('tags, URLs, everything: one of three bodies', async () => {
    for (const batch of [softTags, url, { kind: 'all' } as const]) {
      expect(await send(purger(), batch)).toEqual({ outcome: 'done' });
    }
    const host = api.url.slice('http://'.length);
    const request = (body: string): unknown => ({
      method: 'POST',
      path: '/client/v4/zones/023e105f4ecef8ad/purge_cache',
      headers: [
        ['Authorization', 'Bearer secret-token'],
        ['Content-Type', 'application/json'],
        ['Content-Length', String(body.length)],
        ['Host', host],
      ],
      body,
    });
    expect(api.requests.splice(0).map(sent)).toEqual([
      request('{"tags":["product:1","product:2"]}'),
      request('{"files":["https://shop.example:8443/products/1?b=2&a=1"]}'),
      request('{"purge_everything":true}'),
    ]);
  });

  it('success: false with status 200 is a refusal that names what Cloudflare said', async () => {
    api.replies.push(json(200, { success: false, errors: [{ code: 1107, message: 'Only enterprise' }] }));
    api.replies.push((response) => response.end('<html>proxy</html>'));
    expect(await send(purger(), softTags)).toEqual({
      outcome: 'refused',
      reason: expect.stringContaining('Only enterprise'),
    });
    expect(await send(purger(), softTags)).toMatchObject({ outcome: 'refused' });
  });

  it('the rate is that of the plan', () => {
    expect(purger().limits).toMatchObject({ perSecond: 5 / 60, burst: 25, tagsPerRequest: 100 });
    expect(purger({ plan: 'enterprise' }).limits).toMatchObject({ perSecond: 50, burst: 500 });
    expect(purger({ rate: { perSecond: 1, burst: 2 } }).limits).toMatchObject({ perSecond: 1, burst: 2 });
  });
});

describe('varnish', () => {
  it('tags, a URL with the Host of the site, everything, with the headers of the options', async () => {
    const api = await RecordedApi.start(json(200, {}));
    const purger = varnishPurger({ endpoints: `${api.url}/`, headers: { 'X-Purge-Token': 'secret' } });
    for (const batch of [softTags, hardTags, url, { kind: 'all' } as const]) await send(purger, batch);
    const host = api.url.slice('http://'.length);
    const token = ['X-Purge-Token', 'secret'];
    expect(api.requests.map(sent)).toEqual([
      {
        method: 'PURGE',
        path: '/',
        headers: [token, ['xkey-softpurge', 'product:1 product:2'], ['Host', host]],
        body: '',
      },
      { method: 'PURGE', path: '/', headers: [token, ['xkey-purge', 'product:1 product:2'], ['Host', host]], body: '' },
      { method: 'PURGE', path: '/products/1?b=2&a=1', headers: [token, ['Host', 'shop.example:8443']], body: '' },
      { method: 'PURGE', path: '/', headers: [token, ['x-purge-all', 'yes'], ['Host', host]], body: '' },
    ]);
  });
});

describe('cloudfront', () => {
  const sent: CloudFrontInvalidation[] = [];
  const purger = (answer: () => Promise<unknown> = async () => ({})): Purger =>
    cloudFrontPurger({
      distributionId: 'EDFDVBD6EXAMPLE',
      createInvalidation: async (input) => {
        sent.push(input);
        return answer();
      },
    });

  it('tags begin with #, URLs lose their host, everything is /*; each has a reference of its own', async () => {
    for (const batch of [softTags, url, { kind: 'all' } as const]) {
      expect(await send(purger(), batch)).toEqual({ outcome: 'done' });
    }
    expect(sent.map(({ DistributionId, InvalidationBatch: { Paths } }) => ({ DistributionId, Paths }))).toEqual([
      { DistributionId: 'EDFDVBD6EXAMPLE', Paths: { Quantity: 2, Items: ['#product:1', '#product:2'] } },
      { DistributionId: 'EDFDVBD6EXAMPLE', Paths: { Quantity: 1, Items: ['/products/1?b=2&a=1'] } },
      { DistributionId: 'EDFDVBD6EXAMPLE', Paths: { Quantity: 1, Items: ['/*'] } },
    ]);
    expect(new Set(sent.map(({ InvalidationBatch }) => InvalidationBatch.CallerReference)).size).toBe(3);
  });

  it.each([
    ['TooManyInvalidationsInProgress', 400, 'retry'],
    ['ThrottlingException', 400, 'retry'],
    ['ServiceUnavailable', 503, 'retry'],
    ['TimeoutError', undefined, 'retry'],
    ['AccessDenied', 403, 'refused'],
    ['NoSuchDistribution', 404, 'refused'],
    ['InvalidArgument', 400, 'refused'],
  ])('%s with status %s: %s', async (name, httpStatusCode, outcome) => {
    const error = Object.assign(new Error('what it says'), { name, $metadata: { httpStatusCode } });
    const answer = await send(
      purger(async () => {
        throw error;
      }),
      softTags,
    );
    expect(answer).toMatchObject({ outcome, reason: expect.stringContaining('what it says') });
  });

  it('a response carries at most the 50 tags that CloudFront reads', () => {
    const tags = Array.from({ length: 51 }, (_, index) => `t${index}`);
    const field = (count: number): string => tagFields([purger().tagHeader], tags.slice(0, count))[0].value;
    expect(field(50).split(',')).toHaveLength(50);
    expect(field(51)).toBe(CATCH_ALL_TAG);
  });
});

describe('what an answer means', () => {
  let api: RecordedApi;
  const purger = (options = {}): Purger =>
    fastlyPurger({ serviceId: 'x', token: 'secret-token', endpoint: api.url, ...options });
  beforeAll(async () => {
    api = await RecordedApi.start(json(200, {}));
  });

  it.each([
    [408, {}, { outcome: 'retry', after: undefined }],
    [425, {}, { outcome: 'retry', after: undefined }],
    [429, { 'Retry-After': '7' }, { outcome: 'retry', after: 7_000 }],
    [500, {}, { outcome: 'retry', after: undefined }],
    [503, { 'Retry-After': 'soon' }, { outcome: 'retry', after: undefined }],
    [400, {}, { outcome: 'refused' }],
    [401, {}, { outcome: 'refused' }],
    [403, {}, { outcome: 'refused' }],
    [404, {}, { outcome: 'refused' }],
  ])('%s', async (status, headers, expected) => {
    api.replies.push(json(status, { msg: 'what it says' }, headers));
    const answer = await send(purger(), softTags);
    expect(answer).toMatchObject(expected);
    expect(answer).toMatchObject({ reason: expect.stringContaining('what it says') });
  });

  it('Retry-After may be a date', async () => {
    const date = new Date(Date.now() + 90_000).toUTCString();
    api.replies.push(json(429, {}, { 'Retry-After': date }));
    const answer = (await send(purger(), softTags)) as { after: number };
    expect(answer.after).toBeGreaterThan(60_000);
    expect(answer.after).toBeLessThanOrEqual(90_000);
  });

  it('a redirect is not followed: it would carry the token away', async () => {
    const elsewhere = await RecordedApi.start(json(200, {}));
    api.replies.push((response) => response.writeHead(307, { location: `${elsewhere.url}/steal` }).end());
    expect(await send(purger(), softTags)).toMatchObject({ outcome: 'refused', reason: '307' });
    expect(elsewhere.requests).toEqual([]);
  });

  it('an endless answer is read to a limit only', async () => {
    api.replies.push((response) => {
      response.writeHead(400);
      for (let chunk = 0; chunk < 64; chunk++) response.write('x'.repeat(65_536));
      response.end();
    });
    const answer = (await send(purger(), softTags)) as { reason: string };
    expect(answer.reason.length).toBeLessThan(300);
  });

  it('no answer within the timeout, a closed connection, nobody there: rejects, which counts as retry', async () => {
    api.replies.push(() => undefined);
    await expect(send(purger({ timeout: '100ms' }), softTags)).rejects.toThrow(/aborted/);
    api.replies.push((response) => response.destroy());
    await expect(send(purger(), softTags)).rejects.toThrow(/socket hang up|ECONNRESET/);
    const gone = await RecordedApi.start(json(200, {}));
    const { url: address } = gone;
    await gone.stop();
    await expect(send(purger({ endpoint: address }), softTags)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('wrong options fail at construction and show no secret', () => {
  const fastly = { serviceId: 'x', token: 'secret-token' };
  const cloudflare = { zoneId: 'x', token: 'secret-token' };
  it.each<[string, () => unknown, RegExp]>([
    ['unknown', () => fastlyPurger({ ...fastly, nonsense: 1 } as any), /unknown option "nonsense"/],
    ['no token', () => fastlyPurger({ serviceId: 'x' } as any), /token is required/],
    ['token with a line break', () => fastlyPurger({ ...fastly, token: 'a\r\nb' }), /token: expected/],
    ['id with a path', () => fastlyPurger({ ...fastly, serviceId: '../x' }), /serviceId: expected an id/],
    ['plain http', () => fastlyPurger({ ...fastly, endpoint: 'http://api.example' }), /expected an https:\/\/ URL/],
    ['plain http', () => cloudflarePurger({ ...cloudflare, endpoint: 'http://10.0.0.1' }), /expected an https/],
    ['plan', () => cloudflarePurger({ ...cloudflare, plan: 'gold' as any }), /plan: expected 'free' or/],
    ['rate', () => cloudflarePurger({ ...cloudflare, rate: { perSecond: 0, burst: 1 } }), /rate: expected/],
    ['no sender', () => cloudFrontPurger({ distributionId: 'x' } as any), /createInvalidation is required/],
    ['no function', () => cloudFrontPurger({ createInvalidation: 1 } as any), /CreateInvalidationCommand/],
    ['no endpoint', () => varnishPurger({} as any), /endpoints is required/],
    ['endpoint', () => varnishPurger({ endpoints: ['varnish:6081'] }), /endpoints: expected a URL/],
    ['credentials', () => varnishPurger({ endpoints: 'http://u:secret-token@v' }), /without credentials/],
    ['headers', () => varnishPurger({ endpoints: 'http://v', headers: { 'a b': 'c' } }), /headers: expected/],
    ['headers', () => varnishPurger({ endpoints: 'http://v', headers: { a: 'secret-token\n' } }), /headers: expected/],
    ['timeout', () => varnishPurger({ endpoints: 'http://v', timeout: 5 }), /5 means 5 ms/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(CacheConfigError);
    expect(make).not.toThrow(/secret-token/);
  });
});
