import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { HttpCache, HttpCacheService } from '@strata-cache/nestjs';
import session from 'express-session';
import { HOSTS, startApp, type HttpApp, type HostName } from './hosts.js';

/** Puts the user where Passport does, after every interceptor of a middleware could have looked. */
@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ user?: unknown; headers: Record<string, string> }>();
    const name = request.headers['x-user'];
    if (name !== undefined) request.user = { name };
    return true;
  }
}

const PUBLIC = { scope: 'public', maxAge: '1m', store: true, tags: ['page'] } as const;

function nameOf(request: any): string {
  const raw: Record<string, string | undefined> = request.headers;
  return request.user?.name ?? raw.authorization ?? raw['x-api-key'] ?? raw.cookie ?? 'nobody';
}

@Controller()
@UseGuards(TokenGuard)
class PagesController {
  runs = 0;

  @Get('page')
  @HttpCache({ ...PUBLIC, cdn: { maxAge: '1h' } })
  page(@Req() request: any): object {
    this.runs++;
    return { for: nameOf(request) };
  }

  @Get('shared')
  @HttpCache({ ...PUBLIC, shareAuthenticated: true })
  shared(): object {
    this.runs++;
    return { for: 'everybody' };
  }

  @Get('mine')
  @HttpCache({ maxAge: '1m', store: { by: (context) => userOf(context) } })
  mine(@Req() request: any): object {
    this.runs++;
    return { for: nameOf(request) };
  }

  @Get('late')
  @HttpCache(PUBLIC)
  late(@Req() request: any): object {
    this.runs++;
    // The handler itself finds out who it is, after the interceptor has looked.
    const name = request.headers['x-late'];
    if (name !== undefined) request.user = { name };
    return { for: nameOf(request) };
  }

  @Get('cookie')
  @HttpCache(PUBLIC)
  cookie(@Res({ passthrough: true }) response: any): object {
    this.runs++;
    (response.raw ? response.header.bind(response) : response.setHeader.bind(response))('Set-Cookie', 'sid=secret');
    return { run: this.runs };
  }

  @Get('cookie-allowed')
  @HttpCache({ ...PUBLIC, allowSetCookie: true })
  cookieAllowed(@Req() request: any, @Res({ passthrough: true }) response: any): object {
    this.runs++;
    const cookie = `visit=${request.headers['x-visit'] ?? '0'}`;
    (response.raw ? response.header.bind(response) : response.setHeader.bind(response))('Set-Cookie', cookie);
    return { run: this.runs };
  }

  @Get('session')
  @HttpCache({ ...PUBLIC, cdn: { maxAge: '1h' } })
  session(@Req() request: any): object {
    this.runs++;
    request.session.seen = request.headers['x-session'] ?? 'yes';
    return { run: this.runs, for: request.session.seen };
  }
}

function userOf(context: ExecutionContext): string | undefined {
  return context.switchToHttp().getRequest<{ user?: { name: string } }>().user?.name;
}

async function withSessions(app: any, host: HostName): Promise<void> {
  if (host === 'Express') {
    app.use('/session', session({ secret: 's'.repeat(32), resave: false, saveUninitialized: true }));
    return;
  }
  await app.register(fastifyCookie);
  await app.register(fastifySession, { secret: 's'.repeat(32), cookie: { secure: false }, saveUninitialized: false });
}

const bearer = (name: string): Record<string, string> => ({ authorization: name });

describe.each(HOSTS)('two users on %s', (host) => {
  let app: HttpApp;
  let pages: PagesController;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [PagesController],
      providers: [TokenGuard],
      http: { global: true, tagHeaders: ['surrogate-key'], cacheStatus: { detail: true } },
      configure: withSessions,
    });
    pages = app.get(PagesController);
  });
  beforeEach(async () => {
    pages.runs = 0;
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  it.each([
    ['Authorization', (name: string) => ({ authorization: name })],
    ['an API key', (name: string) => ({ 'x-api-key': name })],
    ['a cookie', (name: string) => ({ cookie: name })],
    ['request.user', (name: string) => ({ 'x-user': name })],
  ])('are told apart by %s', async (_name, as) => {
    for (const name of ['alice', 'bob', 'alice']) {
      const { headers, body } = await app.send('/page', { headers: as(name) });
      expect(JSON.parse(body)).toEqual({ for: name });
      expect(headers['cache-control']).toBe('private, max-age=60');
      expect(headers).not.toHaveProperty('surrogate-key');
      expect(headers).not.toHaveProperty('cdn-cache-control');
      expect(headers['cache-status']).toMatch(/^strata; fwd=bypass/);
    }
    const anonymous = await app.send('/page');
    expect(JSON.parse(anonymous.body)).toEqual({ for: 'nobody' });
    expect(anonymous.headers['cache-control']).toBe('public, max-age=60');
    expect(anonymous.headers['surrogate-key']).toMatch(/^page http:/);
    expect(anonymous.headers['cdn-cache-control']).toBe('max-age=3600');
    // What nobody was sent is stored, and still not sent to somebody.
    expect((await app.send('/page')).headers['cache-status']).toMatch(/; hit;/);
    expect(JSON.parse((await app.send('/page', { headers: as('carol') })).body)).toEqual({ for: 'carol' });
    expect(pages.runs).toBe(5);
  });

  it('do not meet in one flight either', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `user-${index}`);
    const all = await Promise.all(names.map((name) => app.send('/page', { headers: bearer(name) })));
    expect(all.map(({ body }) => JSON.parse(body).for)).toEqual(names);
  });

  it('who is found out by the handler only is no anonymous one', async () => {
    const alice = await app.send('/late', { headers: { 'x-late': 'alice' } });
    expect(alice.headers['cache-control']).toBe('private, max-age=60');
    expect(JSON.parse((await app.send('/late')).body)).toEqual({ for: 'nobody' });
  });

  it('share a response where the application says so', async () => {
    await app.send('/shared', { headers: bearer('alice') });
    const bob = await app.send('/shared', { headers: bearer('bob') });
    expect(bob.headers['cache-control']).toBe('public, max-age=60');
    expect(bob.headers['cache-status']).toMatch(/; hit;/);
    expect(pages.runs).toBe(1);
  });

  it('have stored responses of their own where the key says whose they are', async () => {
    for (const name of ['alice', 'bob', 'alice', 'bob']) {
      const { headers, body } = await app.send('/mine', { headers: { 'x-user': name, ...bearer(name) } });
      expect(JSON.parse(body)).toEqual({ for: name });
      expect(headers['cache-control']).toBe('private, max-age=60');
    }
    expect(pages.runs).toBe(2);
    // Without a user there is no key: neither stored nor answered.
    for (const _ of [1, 2]) expect(JSON.parse((await app.send('/mine')).body)).toEqual({ for: 'nobody' });
    expect(pages.runs).toBe(4);
  });

  it('a response with a cookie is nobody else’s', async () => {
    for (const run of [1, 2]) {
      const { headers, body } = await app.send('/cookie');
      expect(JSON.parse(body)).toEqual({ run });
      expect(headers['set-cookie']).toBe('sid=secret');
      expect(headers['cache-control']).toBe('private, no-store');
      expect(headers).not.toHaveProperty('etag');
      expect(headers).not.toHaveProperty('surrogate-key');
    }
  });

  it('a cookie that is allowed is still not stored', async () => {
    const alice = await app.send('/cookie-allowed', { headers: { 'x-visit': 'alice' } });
    expect(alice.headers['set-cookie']).toBe('visit=alice');
    const bob = await app.send('/cookie-allowed', { headers: { 'x-visit': 'bob' } });
    expect(bob.headers['cache-status']).toMatch(/; hit;/);
    expect(bob.headers).not.toHaveProperty('set-cookie');
  });

  it('a session cookie that is set after our commit closes the response', async () => {
    for (const name of ['alice', 'bob']) {
      const { headers, body } = await app.send('/session', { headers: { 'x-session': name } });
      expect(JSON.parse(body).for).toBe(name);
      expect(headers['set-cookie']).toMatch(/=/);
      expect(headers['cache-control']).toBe('private, no-store');
      for (const field of ['etag', 'surrogate-key', 'cdn-cache-control']) expect(headers).not.toHaveProperty(field);
    }
    expect(pages.runs).toBe(2);
  });
});
