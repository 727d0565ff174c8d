import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Put, Req, Res, type INestApplication } from '@nestjs/common';
import { HttpCache, Precondition } from '@strata-cache/nestjs';
import type { ServerResponse } from 'node:http';
import { HOSTS, startApp, type HttpApp, type HostName } from './hosts.js';

type ExpressResponse = ServerResponse & { send(body?: unknown): unknown };
type Next = () => void;
type Middleware = (request: object, response: ExpressResponse, next: Next) => void;

const SHARED = { scope: 'public', maxAge: '1m', version: () => 'v1' } as const;

@Controller()
class PagesController {
  @Get('page')
  @HttpCache(SHARED)
  page(): object {
    return { page: 1 };
  }

  @Get('own')
  @HttpCache(SHARED)
  own(@Req() _request: object, @Res({ passthrough: true }) response: ExpressResponse): object {
    return { send: Object.hasOwn(response, 'send'), writeHead: Object.hasOwn(response, 'writeHead') };
  }

  @Get('plain')
  plain(): string {
    return 'plain';
  }
}

const apps: HttpApp[] = [];

async function start(host: HostName, configure?: (app: INestApplication) => unknown): Promise<HttpApp> {
  const app = await startApp(host, { controllers: [PagesController], configure });
  apps.push(app);
  return app;
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** What session middleware does (on-headers): its cookie comes from inside `writeHead`. */
const lateCookie: Middleware = (_request, response, next) => {
  const inner = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = ((...args: unknown[]) => {
    response.setHeader('Set-Cookie', 'session=1');
    return inner(...args);
  }) as typeof response.writeHead;
  next();
};

const ownSend: Middleware = (_request, response, next) => {
  const inner = response.send.bind(response);
  response.send = (body?: unknown) => inner(body);
  next();
};

describe('hooks of an Express application', () => {
  it('leave a response alone that nobody has wrapped', async () => {
    const app = await start('Express');
    expect(JSON.parse((await app.send('/own')).body.toString())).toEqual({ send: false, writeHead: false });
  });

  it('stand in one application, and not in Express or in others', async () => {
    const [one, other] = [await start('Express'), await start('Express')];
    const prototypes = [one, other].map(({ app }) => app.getHttpAdapter().getInstance().response as ExpressResponse);
    for (const prototype of prototypes) {
      expect(Object.hasOwn(prototype, 'send')).toBe(true);
      expect(Object.hasOwn(Object.getPrototypeOf(prototype) as object, 'send')).toBe(true);
    }
    const [below, belowOther] = prototypes.map((prototype) => Object.getPrototypeOf(prototype) as ExpressResponse);
    expect(below).toBe(belowOther);
    expect((below as { send: unknown }).send).not.toBe((prototypes[0] as { send: unknown }).send);
    expect((await one.send('/plain')).body.toString()).toBe('plain');
  });

  it('leave the response of a write as Express sends it, where nobody has decorated its handler', async () => {
    @Controller()
    class WritesController {
      @Get('stored')
      @HttpCache({ scope: 'public', maxAge: '1m', store: true })
      stored(): object {
        return {};
      }
      @Post('plain')
      plain(): object {
        return { written: true };
      }
      @Put('locked')
      @Precondition({ version: () => 'v1' })
      locked(): object {
        return { written: true };
      }
    }
    const app = await startApp('Express', { controllers: [WritesController] });
    apps.push(app);
    const plain = await app.send('/plain', { method: 'POST' });
    expect([plain.status, plain.body]).toEqual([201, '{"written":true}']);
    expect(plain.headers['etag']).toMatch(/^W\/"10-/);
    const locked = await app.send('/locked', { method: 'PUT' });
    expect([locked.body, locked.headers['etag']]).toEqual(['{"written":true}', undefined]);
  });

  it('step back where an application has a `send` of its own', async () => {
    let calls = 0;
    const app = await start('Express', (created) => {
      const prototype = created.getHttpAdapter().getInstance().response as ExpressResponse;
      const below = Object.getPrototypeOf(prototype) as ExpressResponse;
      prototype.send = function (this: ExpressResponse, body?: unknown): unknown {
        calls++;
        return below.send.call(this, body);
      };
    });
    expect((await app.send('/plain')).body.toString()).toBe('plain');
    expect(calls).toBe(1);
    await expectVersioned(app);
  });
});

describe.each(HOSTS)('hooks on %s', (host) => {
  it('answer 304 whoever has wrapped what', async () => {
    await expectVersioned(await start(host));
    if (host === 'Express') await expectVersioned(await start(host, (app) => app.use(ownSend)));
  });

  it('close a response and a 304 whose cookie comes with the head', async () => {
    const app = await start(host, (created) => created.use(lateCookie));
    const headers = { 'If-None-Match': 'W/"v1"' };
    for (const answer of [await app.send('/page'), await app.send('/page', { headers })]) {
      expect(answer.headers['cache-control']).toBe('private, no-store');
      expect(answer.headers['etag']).toBeUndefined();
      expect(answer.headers['set-cookie']).toBeDefined();
    }
  });

  it('do so when the wrapper comes after them as well', async () => {
    const app = await start(host, (created) => {
      created.useGlobalInterceptors({
        intercept: (context, next) => {
          const response = context.switchToHttp().getResponse<ExpressResponse & { raw?: ExpressResponse }>();
          lateCookie({}, response.raw ?? response, () => undefined);
          return next.handle();
        },
      });
    });
    const answer = await app.send('/page');
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.headers['etag']).toBeUndefined();
  });
});

async function expectVersioned(app: HttpApp): Promise<void> {
  const first = await app.send('/page');
  const etag = String(first.headers['etag']);
  expect([first.status, etag]).toEqual([200, expect.stringContaining('v1')]);
  const second = await app.send('/page', { headers: { 'If-None-Match': etag } });
  expect([second.status, second.body.length]).toEqual([304, 0]);
  expect(second.headers['cache-control']).toBe('public, max-age=60');
  expect(second.headers['content-type']).toBeUndefined();
}
