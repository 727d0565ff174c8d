import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Injectable,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpCache, HttpCacheService, Strata } from '@strata-cache/nestjs';
import { gate, type Gate } from '@strata-cache/nestjs/testing';
import { eventually } from '../support/eventually.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

const seen = { guards: [] as string[], allowed: Infinity };

/** Middleware, guards and what they read must see a refresh as they saw the request. */
@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<any>();
    seen.guards.push(`${request.headers['x-client'] ?? '-'} ${request.headers['if-none-match'] ?? '-'} ${request.ip}`);
    if (seen.allowed-- <= 0) throw new ForbiddenException();
    return true;
  }
}

let held: Gate | undefined;

@Controller()
@UseGuards(HeaderGuard)
class StaleController {
  runs = 0;
  status = 200;
  cookie = false;

  @Get('swr')
  @HttpCache({ scope: 'public', maxAge: '10s', staleWhileRevalidate: '1m', store: true, tags: ['t'] })
  async swr(@Res({ passthrough: true }) response: any): Promise<object> {
    return this.#answer(response);
  }

  @Get('sie')
  @HttpCache({ scope: 'public', maxAge: '10s', staleIfError: '1m', store: true })
  async sie(@Res({ passthrough: true }) response: any): Promise<object> {
    return this.#answer(response);
  }

  @Get('own')
  @HttpCache({ scope: 'public', store: { grace: '30s' } })
  async own(@Req() request: any, @Res({ passthrough: true }) response: any): Promise<object> {
    (response.raw ? response.header : response.setHeader).bind(response)('Cache-Control', request.query.cc);
    return this.#answer(response);
  }

  async #answer(response: any): Promise<object> {
    const run = ++this.runs;
    await held?.pass();
    if (this.status >= 400) throw new HttpException('failed', this.status);
    if (this.cookie) (response.raw ? response.header : response.setHeader).bind(response)('Set-Cookie', 'a=b');
    return { run };
  }
}

describe.each(HOSTS)('stale responses on %s', (host) => {
  let app: HttpApp;
  let controller: StaleController;
  const runOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    JSON.parse((await app.send(path, { headers })).body).run as number;

  beforeAll(async () => {
    app = await startApp(host, { controllers: [StaleController], providers: [HeaderGuard] });
    controller = app.get(StaleController);
  });
  beforeEach(async () => {
    Object.assign(controller, { runs: 0, status: 200, cookie: false });
    Object.assign(seen, { guards: [], allowed: Infinity });
    held = undefined;
    // Pauses after failed refreshes are per key, so each test begins when they are over.
    await app.clock.advance(120_000);
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  it('are answered at once, and refreshed once behind, through guards with the original fields', async () => {
    const client = { 'x-client': 'me' };
    const { headers } = await app.send('/swr', { headers: client });
    expect(headers['cache-control']).toBe('public, max-age=10, stale-while-revalidate=60');
    await app.clock.advance(11_000);
    held = gate();
    const refreshing = held;
    const stale = await Promise.all(
      Array.from({ length: 10 }, () => app.send('/swr', { headers: { ...client, 'if-none-match': '"other"' } })),
    );
    expect(stale.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, () => '{"run":1}'));
    expect(stale[0].headers['cache-status']).toBe('strata; hit; ttl=-1');
    expect(stale[0].headers.age).toBe('11');
    await refreshing.arrived();
    expect(controller.runs).toBe(2);
    held = undefined;
    refreshing.open();
    await eventually(async () => (await runOf('/swr', client)) === 2);
    expect(controller.runs).toBe(2);
    // The first request, ten stale ones and those after have conditions of their own; the refresh has none.
    const own = seen.guards.filter((line) => line === `me - 127.0.0.1`);
    expect(own.length).toBeGreaterThanOrEqual(2);
  });

  it('are not used beyond the window: the handler runs, once for all', async () => {
    await app.send('/swr');
    await app.clock.advance(71_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => runOf('/swr')));
    expect(new Set(all)).toEqual(new Set([2]));
    expect(controller.runs).toBe(2);
  });

  it('an expired tag makes stale, a deleted one gone', async () => {
    const strata = app.get(Strata as never as new () => Strata);
    await app.send('/swr');
    await strata.invalidateTags(['t'], { mode: 'expire' });
    const { body, headers } = await app.send('/swr');
    expect([body, headers['cache-status']]).toEqual(['{"run":1}', 'strata; hit; ttl=-1']);
    await eventually(async () => (await runOf('/swr')) === 2);
    await strata.invalidateTags(['t']);
    expect(await runOf('/swr')).toBe(3);
  });

  it('a refresh that fails leaves what is there, and pauses', async () => {
    await app.send('/swr');
    await app.clock.advance(11_000);
    controller.status = 503;
    for (const _ of [1, 2, 3]) expect(await runOf('/swr')).toBe(1);
    await eventually(() => controller.runs === 2);
    for (const _ of [1, 2, 3]) expect(await runOf('/swr')).toBe(1);
    expect(controller.runs).toBe(2);
  });

  it('a refresh that says something else removes it', async () => {
    await app.send('/swr');
    await app.clock.advance(11_000);
    controller.status = 404;
    expect(await runOf('/swr')).toBe(1);
    await eventually(async () => (await app.send('/swr')).status === 404);
  });

  it('a refresh that a guard refuses removes it', async () => {
    await app.send('/swr');
    await app.clock.advance(11_000);
    // The guard lets the reader in, and not the refresh.
    seen.allowed = 1;
    expect(await runOf('/swr')).toBe(1);
    await eventually(() => seen.allowed < 0);
    seen.allowed = Infinity;
    await eventually(async () => (await runOf('/swr')) === 2);
  });

  it('a refresh with a cookie is not stored', async () => {
    await app.send('/swr');
    await app.clock.advance(11_000);
    controller.cookie = true;
    expect(await runOf('/swr')).toBe(1);
    await eventually(async () => (await app.send('/swr')).headers['set-cookie'] === 'a=b');
  });

  it('answer in place of an error, and only of one', async () => {
    await app.send('/sie');
    await app.clock.advance(11_000);
    controller.status = 500;
    const { status, body, headers } = await app.send('/sie');
    expect([status, body]).toEqual([200, '{"run":1}']);
    expect(headers['cache-status']).toBe('strata; hit; fwd=stale; fwd-status=500; ttl=-1');
    controller.status = 404;
    await app.clock.advance(5_000);
    expect((await app.send('/sie')).status).toBe(404);
    controller.status = 500;
    await app.clock.advance(60_000);
    expect((await app.send('/sie')).status).toBe(500);
  });

  it('all of many get it, and the handler failed once', async () => {
    await app.send('/sie');
    await app.clock.advance(11_000);
    controller.status = 500;
    const all = await Promise.all(Array.from({ length: 10 }, () => runOf('/sie')));
    expect(new Set(all)).toEqual(new Set([1]));
    expect(controller.runs).toBe(2);
  });

  it.each([
    ['max-age=10, stale-while-revalidate=60', 5_000, true],
    ['max-age=10, stale-while-revalidate=60', 31_000, false],
    ['max-age=10, stale-while-revalidate=60, must-revalidate', 5_000, false],
    ['s-maxage=10, stale-while-revalidate=60', 5_000, false],
  ])(
    'a handler that speaks for itself is obeyed, within the grace of the route: %s, %i ms late',
    async (cc, late, used) => {
      const path = `/own?cc=${encodeURIComponent(cc)}`;
      await app.send(path);
      await app.clock.advance((cc.includes('=10') ? 10_000 : 0) + late);
      expect(await runOf(path)).toBe(used ? 1 : 2);
    },
  );

  it('a grace allows use after a failure, unless the response forbids it', async () => {
    for (const [cc, status] of [
      ['max-age=10', 200],
      ['max-age=10, must-revalidate', 500],
    ] as const) {
      controller.status = 200;
      const path = `/own?cc=${encodeURIComponent(cc)}`;
      await app.send(path);
      await app.clock.advance(11_000);
      controller.status = 500;
      expect((await app.send(path)).status).toBe(status);
    }
  });
});
