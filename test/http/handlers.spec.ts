import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ExternalContextCreator } from '@nestjs/core';
import { HttpCacheService } from '@strata-cache/nestjs';
import { CountingPipe, CountingSerializer, Envelope, HandlersController, runs, withPlugins } from './handlers-app.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

describe.each(HOSTS)('handlers of every kind on %s', (host) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [HandlersController],
      providers: [CountingPipe, CountingSerializer, Envelope],
      configure: withPlugins,
    });
  });
  beforeEach(async () => {
    Object.assign(runs, { handler: 0, pipe: 0, serializer: 0 });
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  it('a 304 by version runs neither pipe nor handler nor serializer', async () => {
    const first = await app.send('/versioned/5');
    expect(runs).toEqual({ handler: 1, pipe: 1, serializer: 1 });
    const second = await app.send('/versioned/5', { headers: { 'if-none-match': first.headers.etag } });
    expect(second).toMatchObject({ status: 304, body: '' });
    expect(runs).toEqual({ handler: 1, pipe: 1, serializer: 1 });
    for (const field of ['cache-control', 'etag']) expect(second.headers[field]).toBe(first.headers[field]);
    for (const field of ['content-type', 'content-length', 'content-encoding']) {
      expect(second.headers).not.toHaveProperty(field);
    }
  });

  it('fields that a serializer leaves out are on no hit', async () => {
    for (const _ of [1, 2, 3]) expect((await app.send('/user')).body).toBe('{"id":1,"name":"ann"}');
    expect(runs.handler).toBe(1);
  });

  it('an interceptor outside ours neither changes a hit nor breaks it', async () => {
    const [first, second] = [await app.send('/outer'), await app.send('/outer')];
    expect(second.headers['cache-status']).toMatch(/; hit;/);
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(runs.handler).toBe(1);
  });

  it('status and fields replay exactly, and each once', async () => {
    const [first, second] = [await app.send('/created'), await app.send('/created')];
    expect(second.status).toBe(203);
    expect(second.body).toBe('a;b');
    const { 'cache-status': _a, age, date, ...replayed } = second.headers;
    const { 'cache-status': _b, date: made, ...sent } = first.headers;
    expect(replayed).toEqual({ ...sent, connection: replayed.connection });
    expect(second.headers.link).toBe('<a>; rel=x, <b>; rel=y');
    expect([age, date]).toEqual(['0', made]);
    const names = second.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names.length).toBe(new Set(names).size + 1); // two lines of Link
    expect(runs.handler).toBe(1);
  });

  it('@Res() answers by itself, and a 304 in its place does not hang', async () => {
    const first = await app.send('/res');
    expect(first).toMatchObject({ status: 200, body: '{"by":"hand"}' });
    expect(first.headers['cache-control']).toBe('public, max-age=60');
    for (const method of ['GET', 'HEAD']) {
      const second = await app.send('/res', { method, headers: { 'if-none-match': first.headers.etag } });
      expect(second).toMatchObject({ status: 304, body: '' });
    }
    expect(runs.handler).toBe(1);
  });

  it('@Res() is stored where asked for', async () => {
    for (const _ of [1, 2]) expect((await app.send('/res-stored')).body).toBe('{"run":1}');
    for (const _ of [1, 2]) expect([...(await app.send('/buffer')).bytes]).toEqual([0, 255, 1]);
    expect(runs.handler).toBe(2);
  });

  it('what is written by hand is sent as it is written', async () => {
    const { status, body, headers } = await app.send('/by-chunks');
    expect([status, body]).toEqual([200, 'ab']);
    expect(headers).not.toHaveProperty('etag');
    // A reply that was taken over is none of ours; Express has no such thing.
    expect(headers['cache-control']).toBe(host === 'Express' ? 'public, max-age=60' : undefined);
  });

  it('@Redirect() redirects, conditions or not', async () => {
    const { status, headers } = await app.send('/redirect', { headers: { 'if-none-match': 'W/"v1"' } });
    expect([status, headers.location, headers['cache-control']]).toEqual([302, '/elsewhere', 'public, max-age=60']);
    expect(headers).not.toHaveProperty('etag');
  });

  it('@Render() has a policy and a tag', async () => {
    const first = await app.send('/render');
    expect(first.body).toBe('rendered: rendered');
    expect(first.headers['cache-control']).toBe('public, max-age=60');
    expect((await app.send('/render', { headers: { 'if-none-match': first.headers.etag } })).status).toBe(304);
  });

  it('@Sse() is left alone', async () => {
    const { status, headers, body } = await app.send('/events');
    expect(status).toBe(200);
    expect(headers['cache-control']).toMatch(/no-store/);
    expect(headers).not.toHaveProperty('cache-status');
    expect(body).toContain('data: one');
  });

  it('a stream has a policy, no tag, and is not stored', async () => {
    for (const _ of [1, 2]) {
      const { body, headers } = await app.send('/file');
      expect(body).toBe('streamed');
      expect(headers['cache-control']).toBe('public, max-age=60');
      expect(headers).not.toHaveProperty('etag');
    }
    expect(runs.handler).toBe(2);
  });

  it('HEAD answers like GET, also from what GET has stored', async () => {
    const get = await app.send('/user');
    const head = await app.send('/user', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    for (const field of ['etag', 'cache-control', 'content-type', 'content-length']) {
      expect(head.headers[field]).toBe(get.headers[field]);
    }
    expect(runs.handler).toBe(1);
    const cold = await app.send('/render', { method: 'HEAD' });
    expect(cold.headers.etag).toBe((await app.send('/render')).headers.etag);
  });

  it('an error is no-store, whatever was planned for a success', async () => {
    for (const _ of [1, 2]) {
      const { status, headers } = await app.send('/missing', { headers: { 'if-none-match': '*' } });
      expect([status, headers['cache-control']]).toEqual([404, 'no-store']);
      expect(headers).not.toHaveProperty('etag');
    }
    expect(runs.handler).toBe(2);
  });

  it('an error that may be cached is', async () => {
    const [first, second] = [await app.send('/known-missing'), await app.send('/known-missing')];
    expect(first.headers['cache-control']).toBe('public, max-age=10');
    expect([second.status, second.body]).toEqual([404, first.body]);
    expect(runs.handler).toBe(1);
  });

  it('what cannot be serialized is a 500, and the next request tries again', async () => {
    for (const _ of [1, 2]) {
      const { status, headers } = await app.send('/bigint');
      expect([status, headers['cache-control']]).toEqual([500, 'no-store']);
    }
    expect(runs.handler).toBe(2);
  });

  it.each(['/bad-tag', '/bad-field'])('what cannot be sent is an error without what was planned: %s', async (path) => {
    for (const _ of [1, 2]) {
      const { status, headers } = await app.send(path);
      expect([status, headers['cache-control']]).toEqual([500, 'no-store']);
      expect(headers).not.toHaveProperty('set-cookie');
    }
    expect(runs.handler).toBe(2);
  });

  it('a large body is sent, not stored', async () => {
    for (const _ of [1, 2]) expect((await app.send('/large/65537')).body).toHaveLength(65_537);
    expect(runs.handler).toBe(2);
    for (const _ of [1, 2]) expect((await app.send('/large/65536')).body).toHaveLength(65_536);
    expect(runs.handler).toBe(3);
  });

  it('no content stays no content', async () => {
    for (const _ of [1, 2]) {
      const { status, body, headers } = await app.send('/nothing');
      expect([status, body]).toEqual([204, '']);
      expect(headers).not.toHaveProperty('content-length');
      expect(headers).not.toHaveProperty('etag');
    }
    expect(runs.handler).toBe(1);
  });

  it('compression works on the way out, on hits as well', async () => {
    const gzip = { 'accept-encoding': 'gzip' };
    const [first, plain, second] = [
      await app.send('/large/5000', { headers: gzip }),
      await app.send('/large/5000'),
      await app.send('/large/5000', { headers: gzip }),
    ];
    expect(runs.handler).toBe(1);
    for (const packed of [first, second]) {
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(packed.headers.vary?.toLowerCase()).toContain('accept-encoding');
      expect(gunzipSync(packed.bytes).toString()).toBe('x'.repeat(5_000));
    }
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(plain.body).toBe('x'.repeat(5_000));
    const known = await app.send('/large/5000', { headers: { ...gzip, 'if-none-match': first.headers.etag } });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect(known.headers).not.toHaveProperty('content-encoding');
  });

  it('other methods keep their responses as they are', async () => {
    const { status, headers } = await app.send('/created', { method: 'POST' });
    expect(status).toBe(201);
    for (const field of ['etag', 'cache-control', 'cache-status']) expect(headers).not.toHaveProperty(field);
    expect((await app.send('/thrown', { method: 'PUT' })).status).toBe(404);
  });

  it.each(['rpc', 'ws', 'graphql'])('a context of type %s passes through', async (type) => {
    const controller = app.get(HandlersController);
    const call = app.app
      .get(ExternalContextCreator)
      .create(
        controller,
        controller.user,
        'user',
        undefined,
        undefined,
        undefined,
        undefined,
        { interceptors: true, guards: false, filters: false },
        type,
      );
    // What would be a request is an argument of the caller's.
    expect(await call(null, undefined, 'x')).toMatchObject({ id: 1 });
    expect(await call(null, undefined, 'x')).toMatchObject({ id: 1 });
    expect(runs.handler).toBe(2);
  });
});
