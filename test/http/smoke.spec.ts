import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, NotFoundException, Param, Put, Body } from '@nestjs/common';
import { HttpCache, Precondition, Strata } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

let version = 1;

@Controller()
class PlainController {
  runs = 0;

  @Get('plain')
  @HttpCache()
  plain(): object {
    this.runs++;
    return { a: 1 };
  }

  @Get('version')
  @HttpCache({ scope: 'public', maxAge: '1m', version: () => version, etag: 'strong' })
  byVersion(): object {
    this.runs++;
    return { version };
  }

  @Put('version')
  @Precondition({ version: () => version, required: true })
  write(@Body() _body: unknown): object {
    version++;
    return { version };
  }

  @Get('stored/:id')
  @HttpCache({ scope: 'public', maxAge: '1m', store: true, tags: ['all'] })
  stored(@Param('id') id: string): object {
    this.runs++;
    if (id === '404') throw new NotFoundException();
    return { id, run: this.runs };
  }

  @Put('stored/:id')
  change(): object {
    return {};
  }
}

describe.each(HOSTS)('http caching on %s', (host) => {
  let app: HttpApp;
  let controller: PlainController;
  beforeAll(async () => {
    app = await startApp(host, { controllers: [PlainController] });
    controller = app.get(PlainController);
  });
  afterAll(() => app.close());

  it('bare @HttpCache() is private, no-cache with a weak tag', async () => {
    const first = await app.send('/plain');
    expect(first).toMatchObject({ status: 200, body: '{"a":1}' });
    expect(first.headers['cache-control']).toBe('private, no-cache');
    expect(first.headers.etag).toMatch(/^W\/"[\w-]{27}"$/);
    const second = await app.send('/plain', { headers: { 'if-none-match': first.headers.etag } });
    expect(second).toMatchObject({ status: 304, body: '' });
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(second.headers['content-type']).toBeUndefined();
    expect(second.headers['content-length']).toBeUndefined();
  });

  it('a version answers 304 without the handler, and If-Match guards the write', async () => {
    const first = await app.send('/version');
    controller.runs = 0;
    for (const method of ['GET', 'HEAD']) {
      const second = await app.send('/version', { method, headers: { 'if-none-match': first.headers.etag } });
      expect(second).toMatchObject({ status: 304, body: '' });
      expect(second.headers['content-length']).toBeUndefined();
      expect(second.headers['cache-control']).toBe('public, max-age=60');
    }
    expect(controller.runs).toBe(0);
    expect((await app.send('/version', { method: 'PUT' })).status).toBe(428);
    expect((await app.send('/version', { method: 'PUT', headers: { 'if-match': '"0"' } })).status).toBe(412);
    expect((await app.send('/version', { method: 'PUT', headers: { 'if-match': first.headers.etag } })).status).toBe(
      200,
    );
    expect((await app.send('/version', { method: 'PUT', headers: { 'if-match': first.headers.etag } })).status).toBe(
      412,
    );
  });

  it('stores a response, and forgets it by tag and by write', async () => {
    controller.runs = 0;
    const first = await app.send('/stored/1');
    expect(first.headers['cache-status']).toBe('strata; fwd=uri-miss; stored');
    const second = await app.send('/stored/1');
    expect(second.headers['cache-status']).toBe('strata; hit; ttl=60');
    expect(second).toMatchObject({ status: 200, body: first.body });
    expect(second.headers['content-type']).toBe(first.headers['content-type']);
    expect(second.headers.age).toBe('0');
    await app.clock.advance(10_000);
    expect((await app.send('/stored/1', { method: 'HEAD' })).headers.age).toBe('10');
    expect(controller.runs).toBe(1);
    await app.get(Strata as never as new () => Strata).invalidateTags(['all']);
    await app.send('/stored/1');
    expect(controller.runs).toBe(2);
    expect((await app.send('/stored/1', { method: 'PUT' })).status).toBe(200);
    await app.send('/stored/1');
    expect(controller.runs).toBe(3);
    expect((await app.send('/stored/404')).headers['cache-control']).toBe('no-store');
  });

  it('runs the handler once for 20 parallel requests', async () => {
    controller.runs = 0;
    const all = await Promise.all(Array.from({ length: 20 }, () => app.send('/stored/parallel')));
    expect(new Set(all.map(({ body }) => body)).size).toBe(1);
    expect(controller.runs).toBe(1);
  });
});
