import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gate } from '@strata-cache/core/testing';
import { PurgeService, varnishPurger } from '@strata-cache/nestjs';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { stopAll } from '../support/process-keeper.js';
import type { CacheServer } from './cache-process.js';
import { call, type HttpAnswer } from './http-call.js';
import { startNginx } from './nginx-server.js';
import { startTwoUsers, type Adapter, type TwoUsers } from './two-users-app.js';
import { startVarnish } from './varnish-server.js';

afterAll(stopAll);

const FRONTS = ['directly', 'through stock nginx', 'through nginx', 'through Varnish'] as const;
type Front = (typeof FRONTS)[number];

const CREDENTIALS = {
  Authorization: (name: string) => ({ Authorization: `Bearer ${name}` }),
  Cookie: (name: string) => ({ Cookie: `sid=${name}` }),
  'request.user': (name: string) => ({ 'X-User': name }),
} as const;
type Credential = keyof typeof CREDENTIALS;

describe.each<Adapter>(['express', 'fastify'])('real caches in front of an application on %s', (adapter) => {
  let site: TwoUsers;
  const urls = new Map<Front, string>();
  const caches: CacheServer[] = [];

  beforeAll(async () => {
    site = await startTwoUsers(adapter);
    const [stock, shipped, varnish] = await Promise.all([
      startNginx(site.port, 'stock'),
      startNginx(site.port, 'shipped'),
      startVarnish(site.port),
    ]);
    const all: readonly (readonly [Front, string])[] = [
      ['directly', site.url],
      ['through stock nginx', stock.url],
      ['through nginx', shipped.url],
      ['through Varnish', varnish.url],
    ];
    for (const [front, url] of all) urls.set(front, url);
    caches.push(stock, shipped, varnish);
  }, 60_000);
  afterAll(async () => {
    // First those who keep connections to it open, for which a server that closes waits.
    await Promise.all(caches.map(async ({ own }) => own.kill9()));
    await site?.app.close();
  });

  const get = async (front: Front, path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
    call(`${urls.get(front)}${path}`, { headers });
  const runs = (path: string): number => site.runs.get(path) ?? 0;

  describe.each(FRONTS)('%s', (front) => {
    it.each(Object.keys(CREDENTIALS) as Credential[])(
      'a careless public handler: what it says to one user (%s) reaches no other',
      async (kind) => {
        const path = `/greeting/${kind}-${front}`.replaceAll(' ', '-');
        const as = async (name: string): Promise<HttpAnswer> =>
          get(front, path, name === 'nobody' ? {} : CREDENTIALS[kind](name));
        // Before anybody anonymous came, everybody gets his own.
        for (const name of ['alice', 'bob', 'alice', 'bob']) {
          const answer = await as(name);
          expect(answer).toMatchObject({ status: 200, body: JSON.stringify({ hello: name }) });
          expect(answer.headers['cache-control']).toMatch(/\bprivate\b/);
          expect(answer.headers['cache-control']).not.toMatch(/public|s-maxage/);
        }
        for (const name of ['nobody', 'alice', 'nobody', 'bob']) {
          // The anonymous page may be shown to a user whom the cache in between does not know; never the other way round.
          const { body } = await as(name);
          expect([JSON.stringify({ hello: name }), JSON.stringify({ hello: 'nobody' })]).toContain(body);
        }
        const anonymous = await as('nobody');
        expect(anonymous.headers['cache-control']).toMatch(/\bpublic\b/);
        expect(anonymous.body).toBe('{"hello":"nobody"}');
      },
    );

    it('a private page is never shared, whoever asks and however often', async () => {
      const path = `/account/${front}`.replaceAll(' ', '-');
      for (const name of ['alice', 'bob', 'nobody', 'alice', 'bob']) {
        for (const kind of Object.keys(CREDENTIALS) as Credential[]) {
          const answer = await get(front, path, name === 'nobody' ? {} : CREDENTIALS[kind](name));
          expect(answer.body).toBe(JSON.stringify({ account: name }));
          expect(answer.headers['cache-control']).toMatch(/^private/);
        }
      }
      expect(runs(path)).toBe(15);
    });

    it('the cookie of a session, added behind everybody, reaches one client only', async () => {
      const path = `/session/${front}`.replaceAll(' ', '-');
      const cookies: string[] = [];
      for (let client = 0; client < 3; client++) {
        const first = await get(front, path);
        expect(first.body).toBe('{"visits":1}');
        expect(first.headers['cache-control']).toBe('private, no-store');
        const cookie = first.headers['set-cookie']?.split(';')[0] ?? '';
        expect(cookie).toMatch(/^visit=.+/);
        cookies.push(cookie);
        expect((await get(front, path, { Cookie: cookie })).body).toBe('{"visits":2}');
      }
      expect(new Set(cookies).size).toBe(3);
    });

    it('a page that is public is served to everybody, and a 304 of its version runs no handler', async () => {
      const path = `/pages/${front}`.replaceAll(' ', '-');
      const first = await get(front, path);
      expect(first).toMatchObject({ status: 200 });
      const again = await get(front, path, { 'If-None-Match': first.headers.etag });
      expect(again).toMatchObject({ status: 304, body: '' });
      expect(again.headers.etag).toBe(first.headers.etag);
      expect(runs(path)).toBe(1);
      const other = await get(front, path);
      expect(other.body).toBe(first.body);
      expect(runs(path)).toBe(front === 'directly' ? 2 : 1);
    });

    it('an error is kept by nobody', async () => {
      const path = `/failing/${front}`.replaceAll(' ', '-');
      const id = path.slice('/failing/'.length);
      const failed = await get(front, path);
      expect(failed.status).toBe(500);
      expect(failed.headers['cache-control']).toBe('no-store');
      site.versions.set(id, 2);
      expect(await get(front, path)).toMatchObject({ status: 200, body: JSON.stringify({ id }) });
    });

    it('what is not decorated says nothing, and is kept by none of them', async () => {
      const path = `/silent/${front}`.replaceAll(' ', '-');
      await get(front, path);
      await get(front, path);
      expect(runs(path)).toBe(2);
    });
  });

  /** Waits for real seconds, for every front at the same time. */
  async function behindEach<F extends Front>(fronts: readonly F[], check: (front: F) => Promise<void>): Promise<void> {
    await Promise.all(fronts.map(check));
  }

  it('what has become stale is renewed by a 304 without the handler', async () => {
    await behindEach(['through stock nginx', 'through nginx', 'through Varnish'], async (front) => {
      const path = `/brief/brief-${front}`.replaceAll(' ', '-');
      const first = await get(front, path);
      expect(first.status).toBe(200);
      const renewed = await eventually(
        async () => {
          const answer = await get(front, path);
          return /hit/i.test(answer.headers['x-cache'] ?? '') ? false : answer;
        },
        { within: 15_000, every: 100 },
      );
      expect(renewed).toMatchObject({ status: 200, body: first.body });
      // Stock nginx asks unconditionally; the shipped configuration switches revalidation on.
      expect(runs(path)).toBe(front === 'through stock nginx' ? 2 : 1);
    });
  }, 60_000);

  it('stale-while-revalidate: nobody waits for the renewal', async () => {
    await behindEach(['through nginx', 'through Varnish'], async (front) => {
      const path = `/revalidated/swr-${front}`.replaceAll(' ', '-');
      const id = path.slice('/revalidated/'.length);
      await get(front, path);
      site.versions.set(id, 2);
      const stale = await eventually(
        async () => {
          const answer = await get(front, path);
          return /stale|updating/i.test(answer.headers['x-cache'] ?? '') ? answer : false;
        },
        { within: 15_000, every: 100 },
      );
      expect(JSON.parse(stale.body)).toEqual({ id, version: 1 });
      const versionNow = async (): Promise<number> =>
        (JSON.parse((await get(front, path)).body) as { version: number }).version;
      await eventually(async () => (await versionNow()) === 2, { within: 15_000 });
    });
  }, 60_000);
});

describe.each<Adapter>(['express', 'fastify'])('an invalidation by tag reaches Varnish: %s', (adapter) => {
  let site: TwoUsers;
  let varnish: CacheServer;
  /** Between the application and Varnish's address for purges. */
  let purgeLine: FaultProxy;

  beforeAll(async () => {
    // Each must know the other's port: Varnish gets that of a relay, which learns the application's afterwards.
    const relay = await new FaultProxy(1).start();
    varnish = await startVarnish(relay.port);
    purgeLine = await new FaultProxy(varnish.port).start();
    const endpoints = `http://127.0.0.1:${purgeLine.port}`;
    site = await startTwoUsers(adapter, [varnishPurger({ endpoints })], { window: '5ms', repeatAfter: '200ms' });
    relay.retarget(site.port);
  }, 60_000);
  afterAll(async () => {
    await varnish?.own.kill9();
    await site?.app.close();
  });

  const get = async (path: string): Promise<HttpAnswer> => call(`${varnish.url}${path}`);
  const versionOf = async (path: string): Promise<number> =>
    (JSON.parse((await get(path)).body) as { version: number }).version;

  it('the write returns, pages with the tag are renewed, stored here or not, and others stay', async () => {
    const paths = ['/pages/1', '/pages/2', '/stored/1'];
    for (const path of paths) await get(path);
    const before = await Promise.all(paths.map(get));
    expect(before.map(({ headers }) => headers['x-cache'])).toEqual(['hit', 'hit', 'hit']);
    expect(before.map(({ headers }) => headers.xkey)).toEqual([undefined, undefined, undefined]);
    expect(await call(`${varnish.url}/pages/1`, { method: 'POST' })).toMatchObject({ status: 201 });
    for (const path of ['/pages/1', '/stored/1']) {
      await eventually(async () => (await versionOf(path)) === 2, { within: 15_000, what: `${path} is renewed` });
    }
    expect((await get('/pages/2')).headers['x-cache']).toBe('hit');
    expect(site.runs.get('/pages/2')).toBe(1);
  });

  // 1 Varnish asks, 2 the handler reads the old version, 3 a writer commits and has the tag purged, 4 Varnish stores the answer of 2. It
  // would stay there for its hour: the purge that is repeated finds it.
  it('a response that was on its way while it was purged does not stay', async () => {
    const held = gate();
    site.gates.set('5', held);
    const late = get('/gated/5');
    await held.arrived();
    const [before] = site.app.get(PurgeService).figures();
    expect(await call(`${site.url}/pages/5`, { method: 'POST' })).toMatchObject({ status: 201 });
    await eventually(() => site.app.get(PurgeService).figures()[0].purged > before.purged, { within: 15_000 });
    held.open();
    expect(JSON.parse((await late).body)).toEqual({ id: '5', version: 1 });
    await eventually(async () => (await versionOf('/gated/5')) === 2, { within: 15_000, what: 'the second purge' });
  });

  it('while Varnish cannot be told, writes succeed all the same, and it is told when it can', async () => {
    await get('/pages/9');
    await purgeLine.refuse(true);
    purgeLine.reset();
    expect(await call(`${varnish.url}/pages/9`, { method: 'POST' })).toMatchObject({ status: 201 });
    const [figures] = site.app.get(PurgeService).figures();
    await eventually(() => site.app.get(PurgeService).figures()[0].retries > figures.retries, { within: 15_000 });
    expect(await versionOf('/pages/9')).toBe(1);
    await purgeLine.refuse(false);
    await eventually(async () => (await versionOf('/pages/9')) === 2, { within: 20_000 });
  });
});
