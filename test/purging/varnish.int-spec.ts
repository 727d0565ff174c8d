import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type Notice } from '@strata-cache/core';
import { varnishPurger } from '@strata-cache/nestjs';
import { resolvePurging, type PurgingOptions } from '../../libs/nestjs/src/purging/purge-options.js';
import { PurgeService } from '../../libs/nestjs/src/purging/purge.service.js';
import type { Purger } from '../../libs/nestjs/src/purging/purger.js';
import type { CacheServer } from '../http-caches/cache-process.js';
import { call, type HttpAnswer } from '../http-caches/http-call.js';
import { startVarnish } from '../http-caches/varnish-server.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { onStopAll, stopAll } from '../support/process-keeper.js';

let origin: Server;
let originPort: number;
let varnish: CacheServer;
const asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
const opened: PurgeService[] = [];
const notices: Notice[] = [];

/** `/<tags joined by +>?swr`: a page with these tags and an ETag, fresh for an hour. */
beforeAll(async () => {
  origin = createServer((request, response) => {
    const { url = '', headers } = request;
    asked.push({ url, headers });
    const [path, query] = url.slice(1).split('?');
    response.setHeader('ETag', '"1"');
    response.setHeader('xkey', path.replaceAll('+', ' '));
    const stale = query?.startsWith('swr') ? ', stale-while-revalidate=600' : '';
    response.setHeader('Cache-Control', `public, max-age=3600${stale}`);
    if (query === 'silent') response.removeHeader('Cache-Control');
    if (headers['if-none-match'] === '"1"') response.writeHead(304).end();
    else response.end(url);
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  onStopAll(async () => {
    origin.closeAllConnections();
    await new Promise<void>((resolve) => {
      origin.close(() => resolve());
    });
  });
  originPort = (origin.address() as AddressInfo).port;
  varnish = await startVarnish(originPort);
}, 60_000);

afterAll(async () => {
  await Promise.all(opened.splice(0).map(async (purges) => purges.close()));
  await stopAll();
});

function purging(purgers: readonly Purger[], options: PurgingOptions = {}): PurgeService {
  const purges = new PurgeService({
    purgers,
    options: resolvePurging({ window: '5ms', repeatAfter: false, ...options }),
    clock: systemClock,
    notice: (notice) => notices.push(notice),
  });
  opened.push(purges);
  return purges;
}

async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return call(`${varnish.url}${path}`, { headers });
}

async function cached(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await get(path);
    expect((await get(path)).headers['x-cache']).toBe('hit');
  }
}

async function purged(purges: PurgeService, count: number): Promise<void> {
  await eventually(() => purges.figures()[0].purged >= count, { within: 15_000, what: `${count} purged` });
}

describe('a real Varnish with the VCL that is shipped', () => {
  it('a soft purge by tag: what carries it is renewed with If-None-Match, everything else stays', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url })]);
    await cached('/product:1+category:a', '/product:2+category:a', '/product:3+category:b');
    asked.length = 0;
    purges.purgeTags(['category:a', 'product:9']);
    await purged(purges, 2);
    for (const path of ['/product:1+category:a', '/product:2+category:a', '/product:3+category:b']) {
      expect(await get(path)).toMatchObject({ status: 200, body: path });
    }
    expect(asked.map(({ url, headers }) => [url, headers['if-none-match']])).toEqual([
      ['/product:1+category:a', '"1"'],
      ['/product:2+category:a', '"1"'],
    ]);
  });

  it('with stale-while-revalidate a soft purge makes nobody wait: stale at once, renewed behind', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url })]);
    await cached('/soft:1?swr');
    asked.length = 0;
    purges.purgeTags(['soft:1']);
    await purged(purges, 1);
    expect((await get('/soft:1?swr')).headers['x-cache']).toBe('stale');
    await eventually(async () => (await get('/soft:1?swr')).headers['x-cache'] === 'hit', { within: 15_000 });
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual(['"1"']);
  });

  it('a hard purge removes it', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url, soft: false })]);
    await cached('/hard:1?swr');
    asked.length = 0;
    purges.purgeTags(['hard:1']);
    await purged(purges, 1);
    expect((await get('/hard:1?swr')).headers['x-cache']).toBe('miss');
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined]);
  });

  it('a URL goes by itself, of its host only', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url })]);
    const hosts = ['shop.example', 'other.example'];
    for (const host of hosts) await get('/page:1?a=1', { Host: host });
    purges.purgeUrls(['https://shop.example/page:1?a=1']);
    await purged(purges, 1);
    const states = await Promise.all(
      hosts.map(async (Host) => (await get('/page:1?a=1', { Host })).headers['x-cache']),
    );
    expect(states).toEqual(['miss', 'hit']);
  });

  it('1,000 tags reach it in batches it takes', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url })], { maxTagsPerFlush: 1_000 });
    await cached('/many:0', '/many:999');
    purges.purgeTags(Array.from({ length: 1_000 }, (_, index) => `many:${index}`));
    await purged(purges, 1_000);
    const [{ requests, retries, dropped }] = purges.figures();
    expect({ retries, dropped }).toEqual({ retries: 0, dropped: 0 });
    expect(requests).toBeGreaterThanOrEqual(5);
    asked.length = 0;
    for (const path of ['/many:0', '/many:999']) await get(path);
    expect(asked).toHaveLength(2);
  });

  it('everything, where it is forced', async () => {
    const purges = purging([varnishPurger({ endpoints: varnish.url })]);
    await cached('/all:1', '/all:2');
    purges.purgeAll({ force: true });
    await purged(purges, 1);
    expect((await get('/all:1')).headers['x-cache']).toBe('miss');
    expect((await get('/all:2')).headers['x-cache']).toBe('miss');
  });

  it('tags stay inside, and what says nothing about caching is not kept', async () => {
    expect((await get('/inside:1')).headers.xkey).toBeUndefined();
    await get('/inside:2?silent');
    expect((await get('/inside:2?silent')).headers['x-cache']).toBe('miss');
  });

  it('who is not on the list may not purge: a refusal with the remedy, and nothing is retried', async () => {
    const closed = await startVarnish(originPort, ['192.0.2.1']);
    const purges = purging([varnishPurger({ endpoints: closed.url })]);
    purges.purgeTags(['a']);
    await eventually(() => purges.figures()[0].dropped === 1, { within: 15_000 });
    expect(notices.at(-1)).toMatchObject({ name: 'purge.refused', message: expect.stringContaining('strata.vcl') });
    expect(purges.figures()[0]).toMatchObject({ requests: 1, retries: 0 });
    await closed.own.kill9();
  }, 60_000);

  it('a node that is away is told when it is back, and holds up nobody', async () => {
    // One Varnish under two addresses, one of which goes away: two nodes to the purger.
    const away = await new FaultProxy(varnish.port).start();
    away.blackhole('both', true);
    const purges = purging([
      varnishPurger({ endpoints: [varnish.url, `http://127.0.0.1:${away.port}`], timeout: '200ms' }),
    ]);
    purges.purgeTags(['node:1']);
    await purged(purges, 1);
    await eventually(() => purges.figures()[1].retries >= 1, { within: 15_000 });
    expect(purges.figures().map((lane) => lane.purged)).toEqual([1, 0]);
    await away.heal();
    await eventually(() => purges.figures()[1].purged === 1, { within: 15_000 });
  }, 60_000);
});
