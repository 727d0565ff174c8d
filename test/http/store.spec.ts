import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCacheService, Strata } from '@strata-cache/nestjs';
import { gate } from '@strata-cache/nestjs/testing';
import { eventually } from '../support/eventually.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';
import { abandon } from './raw-request.js';
import { Products, products, StoreController, world } from './store-app.js';

describe.each(HOSTS)('stored responses on %s', (host) => {
  let app: HttpApp;
  let controller: StoreController;
  const runOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    JSON.parse((await app.send(path, { headers })).body).run as number;

  beforeAll(async () => {
    app = await startApp(host, { controllers: [StoreController], providers: [Products] });
    controller = app.get(StoreController);
  });
  beforeEach(async () => {
    Object.assign(controller, { runs: 0, fail: false });
    world.held = undefined;
    world.version = 1;
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  it.each<[string, string, boolean]>([
    ['nothing said', '', false],
    ['max-age', 'Cache-Control=max-age=60', true],
    ['s-maxage=0 outranks max-age', 'Cache-Control=max-age=60, s-maxage=0', false],
    ['no-store', 'Cache-Control=max-age=60, no-store', false],
    ['no-cache', 'Cache-Control=max-age=60, no-cache', false],
    ['private', 'Cache-Control=max-age=60, private', false],
    ['Expires', `Expires=${new Date(Date.now() + 600_000).toUTCString()}`, true],
    ['an Expires that is no date', 'Expires=0', false],
    ['Age beyond max-age', 'Cache-Control=max-age=60&Age=61', false],
    ['Vary: *', 'Cache-Control=max-age=60&Vary=X-A, *', false],
  ])('a handler that speaks for itself is obeyed: %s', async (_name, query, stored) => {
    const path = `/own?${query
      .split('&')
      .map((pair) => pair.replace(/=(.*)/s, (_, value: string) => `=${encodeURIComponent(value)}`))
      .join('&')}`;
    expect(await runOf(path)).toBe(1);
    expect(await runOf(path)).toBe(stored ? 1 : 2);
  });

  it('ages, and goes stale when it said it would', async () => {
    await app.send('/item');
    await app.clock.advance(59_000);
    const hit = await app.send('/item');
    expect([hit.headers.age, hit.headers['cache-status']]).toEqual(['59', 'strata; hit; ttl=1']);
    await app.clock.advance(1_000);
    expect(await runOf('/item')).toBe(2);
  });

  it('an own lifetime here, and another one for everybody else', async () => {
    const first = await app.send('/ttl');
    expect(first.headers['cache-control']).toBe('public, no-cache');
    await app.clock.advance(200_000);
    expect(await runOf('/ttl')).toBe(1);
    const { status } = await app.send('/ttl', { headers: { 'if-none-match': first.headers.etag } });
    expect([status, controller.runs]).toEqual([304, 1]);
  });

  it('@Header() speaks for the handler', async () => {
    const first = await app.send('/static');
    expect(first.headers['cache-control']).toBe('public, max-age=10');
    await app.clock.advance(11_000);
    expect(await runOf('/static')).toBe(2);
  });

  it('answers conditions of each request from what is stored', async () => {
    const { headers } = await app.send('/item');
    const known = await app.send('/item', { headers: { 'if-none-match': `"x", ${headers.etag}` } });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect(known.headers['cache-control']).toBe('public, max-age=60');
    expect((await app.send('/item', { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    expect((await app.send('/item', { headers: { 'if-match': '"x"' } })).status).toBe(412);
    const later = new Date(app.clock.wall() + 5_000).toUTCString();
    expect((await app.send('/item', { headers: { 'if-modified-since': later } })).status).toBe(304);
    expect((await app.send('/item', { headers: { range: 'bytes=0-1' } })).status).toBe(200);
    expect(controller.runs).toBe(1);
  });

  it('a part is never stored', async () => {
    await app.send('/partial');
    expect((await app.send('/partial')).status).toBe(206);
    expect(controller.runs).toBe(2);
  });

  it('only-if-cached never runs the handler', async () => {
    const only = { headers: { 'cache-control': 'only-if-cached' } };
    expect((await app.send('/item', only)).status).toBe(504);
    await app.send('/item');
    expect((await app.send('/item', only)).status).toBe(200);
    expect(controller.runs).toBe(1);
  });

  it('reload directives of strangers are ignored, their no-store is not', async () => {
    await app.send('/item');
    for (const cc of ['no-cache', 'max-age=0', 'min-fresh=9999'])
      expect(await runOf('/item', { 'cache-control': cc })).toBe(1);
    expect(await runOf('/item', { pragma: 'no-cache' })).toBe(1);
    await app.send('/ttl', { headers: { 'cache-control': 'no-store' } });
    expect(await runOf('/ttl')).toBe(3);
  });

  it('the query is part of the key, or what of it was said to matter', async () => {
    await app.send('/item?a=1');
    expect(await runOf('/item?a=2')).toBe(2);
    await app.send('/query?page=1&utm=x');
    expect(await runOf('/query?utm=y&page=1')).toBe(3);
    expect(await runOf('/query?page=2')).toBe(4);
  });

  it('the host is part of the key', async () => {
    await app.send('/item', { headers: { host: 'a.example' } });
    expect(await runOf('/item', { host: 'A.EXAMPLE' })).toBe(1);
    expect(await runOf('/item', { host: 'b.example' })).toBe(2);
  });

  it('variants that only the response names live side by side', async () => {
    for (const a of ['1', '2', '1', '2']) {
      expect(JSON.parse((await app.send('/varied', { headers: { 'x-a': a } })).body)).toMatchObject({ a });
    }
    expect(controller.runs).toBe(2);
    expect(JSON.parse((await app.send('/varied')).body)).not.toHaveProperty('a');
    expect(controller.runs).toBe(3);
  });

  it('another version makes what is stored outdated', async () => {
    await app.send('/versioned');
    expect(await runOf('/versioned')).toBe(1);
    world.version = 2;
    expect(JSON.parse((await app.send('/versioned')).body)).toEqual({ run: 2, version: 2 });
    expect(await runOf('/versioned')).toBe(2);
  });

  it('20 parallel requests run the handler once, and each gets the response', async () => {
    world.held = gate();
    const joined = (): number => app.get(HttpCacheService).stats()!.joined;
    const before = joined();
    const all = Promise.all(Array.from({ length: 20 }, () => app.send('/held')));
    await world.held.arrived();
    await eventually(() => joined() === before + 19);
    world.held.open();
    const bodies = (await all).map(({ status, body }) => `${status} ${body}`);
    expect(new Set(bodies)).toEqual(new Set(['200 {"run":1}']));
    expect((await all).filter(({ headers }) => /collapsed/.test(headers['cache-status']))).toHaveLength(19);
  });

  it('when the one who runs it has gone, another one does', async () => {
    world.held = gate();
    const joined = (): number => app.get(HttpCacheService).stats()!.joined;
    const before = joined();
    const leave = abandon(app.port, '/held');
    await world.held.arrived();
    const abandoned = world.held;
    world.held = undefined;
    const waiting = Array.from({ length: 10 }, () => app.send('/held'));
    await eventually(() => joined() === before + 10);
    leave();
    const bodies = (await Promise.all(waiting)).map(({ body }) => body);
    expect(new Set(bodies)).toEqual(new Set(['{"run":2}']));
    abandoned.open();
    expect(await runOf('/held')).toBe(2);
    expect(controller.runs).toBe(2);
  });

  it('20 parallel requests for a new version run the handler once', async () => {
    await app.send('/versioned');
    world.version = 2;
    const all = await Promise.all(Array.from({ length: 20 }, () => app.send('/versioned')));
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(['{"run":2,"version":2}']));
    expect(controller.runs).toBe(2);
  });

  it('a failure is the failure of the one who had it', async () => {
    world.held = gate();
    controller.fail = true;
    const joined = (): number => app.get(HttpCacheService).stats()!.joined;
    const before = joined();
    const [first, second] = [app.send('/held'), app.send('/held')];
    await world.held.arrived();
    await eventually(() => joined() === before + 1);
    world.held.open();
    expect([(await first).status, (await second).status]).toEqual([500, 500]);
    expect(controller.runs).toBe(2);
    controller.fail = false;
    expect((await app.send('/held')).status).toBe(200);
  });

  it('who waited for a response that is not his runs the handler himself', async () => {
    world.held = gate();
    const waiting = ['1', '2', '3'].map((value) => app.send('/held', { headers: { 'x-vary': value } }));
    await world.held.arrived();
    world.held.open();
    const all = await Promise.all(waiting);
    expect(all.map(({ body }) => JSON.parse(body).for)).toEqual(['1', '2', '3']);
    expect(controller.runs).toBe(3);
  });

  it.each([
    ['PUT', '/item?x=1', '/item'],
    ['DELETE', '/item', '/item'],
    ['PATCH', '/elsewhere?location=/item', '/item'],
    ['POST', '/redirecting', '/item'],
    ['PUT', '/by-hand', '/item'],
  ])('%s %s invalidates %s, with its queries', async (method, path, stored) => {
    await app.send(`${stored}?page=1`);
    await app.send(stored);
    const { status } = await app.send(path, { method });
    expect(status).toBeLessThan(400);
    await app.clock.advance(1);
    expect(await runOf(`${stored}?page=1`)).toBe(3);
    expect(await runOf(stored)).toBe(4);
  });

  it('a write that failed, or names another origin, invalidates nothing', async () => {
    await app.send('/item');
    await app.send('/failing', { method: 'POST' });
    const other = encodeURIComponent('http://other.example/item');
    await app.send(`/elsewhere?location=${other}`, { method: 'PATCH' });
    expect(await runOf('/item')).toBe(1);
  });

  it('the tags of method caches are those of responses', async () => {
    const cache = app.get(Strata as never as new () => Strata).cache(products);
    await cache.set('1', {});
    await app.send('/tagged');
    expect((await app.send('/change', { method: 'POST' })).status).toBe(201);
    expect(await cache.get('1')).toBeUndefined();
    expect(await runOf('/tagged')).toBe(2);
  });

  it('an invalidation during the run keeps its response from being stored', async () => {
    world.held = gate();
    const running = app.send('/held');
    await world.held.arrived();
    await app.send('/held', { method: 'PUT' });
    await app.get(HttpCacheService).invalidateUrls([`http://127.0.0.1:${app.port}/held`]);
    const old = world.held;
    world.held = undefined;
    old.open();
    expect(JSON.parse((await running).body)).toEqual({ run: 1 });
    expect(await runOf('/held')).toBe(2);
  });

  it('URLs by hand', async () => {
    await app.send('/item?a=1');
    await app.get(HttpCacheService).invalidateUrls([`http://127.0.0.1:${app.port}/item`]);
    expect(await runOf('/item?a=1')).toBe(2);
    await expect(app.get(HttpCacheService).invalidateUrls(['/item'])).rejects.toThrow(/absolute/);
    expect(app.get(HttpCacheService).stats()?.stored).toBeGreaterThan(0);
  });
});
