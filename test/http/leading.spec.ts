import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Put,
  Res,
  ServiceUnavailableException,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpCache, HttpCacheInterceptor, HttpCacheService, Strata } from '@strata-cache/nestjs';
import { gate, type Gate } from '@strata-cache/nestjs/testing';
import { map, type Observable } from 'rxjs';
import { eventually } from '../support/eventually.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';
import { send } from './raw-request.js';

const STORED = { scope: 'public', maxAge: '1m', store: true } as const;
const OF_THE_MOMENT = ['X-CSRF-Token', 'X-Trace-Id', 'Authentication-Info', 'X-Amzn-Trace-Id', 'b3', 'X-B3-TraceId'];

/** Requests that have reached the application. */
const seen = { requests: 0 };

function setField(response: any, name: string, value: string): void {
  (response.raw ? response.header : response.setHeader).call(response, name, value);
}

function count(_request: unknown, _response: unknown, next: () => void): void {
  seen.requests++;
  next();
}

/** Looks at results, and refuses some users. */
@Injectable()
class LateRefusal implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return next.handle().pipe(
      map((value: unknown) => {
        if (headers['x-banned'] !== undefined) throw new ForbiddenException();
        return value;
      }),
    );
  }
}

@Controller()
@UseInterceptors(LateRefusal, HttpCacheInterceptor)
class LeadingController {
  runs = 0;
  row = 'old';
  fails = false;
  held: Gate | undefined;

  @Get('row')
  @HttpCache({ ...STORED, tags: ['row'] })
  async read(): Promise<object> {
    this.runs++;
    const { row } = this;
    await this.held?.pass();
    return { row };
  }

  @Put('row')
  write(): object {
    this.row = 'new';
    return {};
  }

  @Get('versioned')
  @HttpCache({ ...STORED, version: () => 1 })
  versioned(): object {
    return { run: ++this.runs };
  }

  @Get('failing')
  @HttpCache({ ...STORED, maxAge: '10s', staleIfError: '10m' })
  failing(@Res({ passthrough: true }) response: any): object {
    this.runs++;
    if (!this.fails) return { run: this.runs };
    for (const name of ['X-Half-Done', 'Content-Disposition', 'Content-Language', 'Retry-After']) {
      setField(response, name, '120');
    }
    throw new ServiceUnavailableException();
  }

  @Get('tokens')
  @HttpCache(STORED)
  tokens(@Res({ passthrough: true }) response: any): object {
    for (const name of OF_THE_MOMENT) setField(response, name, 'of the first');
    return { run: ++this.runs };
  }

  @Get('renewed')
  @HttpCache({ ...STORED, maxAge: '10s', staleWhileRevalidate: '10m' })
  renewed(): object {
    return { run: ++this.runs };
  }

  @Get('stuck')
  @HttpCache({ ...STORED, maxAge: '10s', staleWhileRevalidate: '1m' })
  async stuck(): Promise<object> {
    this.runs++;
    if (this.runs === 2) await new Promise(() => undefined);
    return { run: this.runs };
  }
}

describe.each(HOSTS)('on %s who runs the handler for others', (host) => {
  let app: HttpApp;
  let controller: LeadingController;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [LeadingController],
      providers: [LateRefusal],
      http: {},
      configure: (nest) => nest.use(count),
    });
    controller = app.get(LeadingController);
  });
  beforeEach(async () => {
    Object.assign(controller, { runs: 0, row: 'old', fails: false, held: undefined });
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  // 1 a GET reads the old row and is held, 2 the row changes and is invalidated, 3 another GET comes. It must not be given what 1 has read.
  it.each([
    ['a write', () => app.send('/row', { method: 'PUT' })],
    [
      'a tag',
      () => {
        controller.row = 'new';
        return app.get(Strata as never as new () => Strata).invalidateTags(['row']);
      },
    ],
  ])('speaks for nobody who came after %s', async (_name, invalidate) => {
    controller.held = gate();
    const first = app.send('/row');
    await controller.held.arrived();
    await invalidate();
    const before = seen.requests;
    const second = app.send('/row');
    await eventually(() => expect(seen.requests).toBe(before + 1));
    controller.held.open();
    expect((await first).body).toBe('{"row":"old"}');
    expect((await second).body).toBe('{"row":"new"}');
    expect((await app.send('/row')).body).toBe('{"row":"new"}');
    expect(controller.runs).toBe(2);
  });

  it('is none whose response is for himself alone', async () => {
    controller.held = gate();
    const alone = app.send('/row', { headers: { 'cache-control': 'no-store' } });
    await controller.held.arrived();
    // Waiting for him would be in vain, and then all would run the handler.
    const others = [1, 2, 3, 4, 5].map(() => app.send('/row'));
    await controller.held.arrived(2);
    controller.held.open();
    await Promise.all([alone, ...others]);
    expect(controller.runs).toBe(2);
    // And it does not take away what helps when the handler fails.
    await app.send('/failing');
    await app.clock.advance(20_000);
    await app.send('/failing', { headers: { 'cache-control': 'no-store' } });
    controller.fails = true;
    expect((await app.send('/failing')).status).toBe(200);
  });

  it('an interceptor outside that refuses a user is heard, whatever is stored', async () => {
    const { headers } = await app.send('/versioned');
    expect((await app.send('/versioned')).headers['cache-status']).toMatch(/; hit;/);
    for (const condition of [{}, { 'if-none-match': headers.etag }] as Record<string, string>[]) {
      const refused = await app.send('/versioned', { headers: { 'x-banned': '1', ...condition } });
      expect([refused.status, refused.headers['cache-control']]).toEqual([403, 'no-store']);
      expect(refused.body).not.toContain('run');
    }
    expect((await app.send('/versioned', { headers: { 'if-none-match': headers.etag } })).status).toBe(304);
  });

  it('what failed half way leaves nothing on the response that answers in its place', async () => {
    const good = await app.send('/failing');
    await app.clock.advance(20_000);
    controller.fails = true;
    const { status, body, headers } = await app.send('/failing');
    expect([status, body]).toEqual([200, good.body]);
    for (const name of ['x-half-done', 'content-disposition', 'content-language', 'retry-after']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it('keeps his tokens and traces', async () => {
    const first = await app.send('/tokens');
    const hit = await app.send('/tokens');
    expect(hit.headers['cache-status']).toMatch(/; hit;/);
    for (const name of OF_THE_MOMENT.map((one) => one.toLowerCase())) {
      expect(first.headers[name]).toBe('of the first');
      expect(hit.headers).not.toHaveProperty(name);
    }
  });

  it('a refresh that never ends is given up', async () => {
    await app.send('/stuck');
    await app.clock.advance(20_000);
    expect((await app.send('/stuck')).body).toBe('{"run":1}');
    await eventually(() => expect(controller.runs).toBe(2));
    await app.clock.advance(61_000);
    // Nobody waits for it any more, and what comes next is stored.
    expect((await app.send('/stuck')).body).toBe('{"run":3}');
    expect((await app.send('/stuck')).headers['cache-status']).toMatch(/; hit;/);
    expect(controller.runs).toBe(3);
  });
});

describe('on Express mounted in another application', () => {
  it('a refresh takes the way its request came', async () => {
    const app = await startApp('Express', { controllers: [LeadingController], providers: [LateRefusal], http: {} });
    const inner = app.app.getHttpAdapter().getInstance() as (request: unknown, response: unknown) => void;
    // As `use('/api', inner)` does it.
    const outer = createServer((request, response) => {
      Object.assign(request, { originalUrl: request.url, url: request.url?.replace(/^\/api/, '') });
      inner(request, response);
    });
    try {
      await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve));
      const { port } = outer.address() as AddressInfo;
      const controller = app.get(LeadingController);
      expect((await send(port, '/api/renewed')).body).toBe('{"run":1}');
      await app.clock.advance(20_000);
      expect((await send(port, '/api/renewed')).body).toBe('{"run":1}');
      await eventually(() => expect(controller.runs).toBe(2));
      await eventually(async () => expect((await send(port, '/api/renewed')).body).toBe('{"run":2}'));
    } finally {
      outer.closeAllConnections();
      outer.close();
      await app.close();
    }
  });
});
