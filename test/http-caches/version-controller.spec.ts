import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Param, Put, Req, Scope, type ExecutionContext } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpCache, Precondition } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from '../http/hosts.js';

@Injectable()
class Versions {
  readonly #versions = new Map<string, number>([['1', 7]]);
  asked = 0;
  runs = 0;

  of(id: string): number | null {
    this.asked++;
    return this.#versions.get(id) ?? null;
  }

  raise(id: string): number {
    const next = (this.#versions.get(id) ?? 0) + 1;
    this.#versions.set(id, next);
    return next;
  }
}

function idOf(context: ExecutionContext): string {
  return context.switchToHttp().getRequest<{ params: { id: string } }>().params.id;
}

@Controller('static')
class StaticController {
  readonly #versions: Versions;

  constructor(@Inject(Versions) versions: Versions) {
    this.#versions = versions;
  }

  versionOf(context: ExecutionContext): number | null {
    return this.#versions.of(idOf(context));
  }

  @Get(':id')
  @HttpCache({
    scope: 'public',
    etag: 'strong',
    version: (context, self: StaticController) => self.versionOf(context),
  })
  read(@Param('id') id: string): object {
    this.#versions.runs++;
    return { id };
  }

  @Put(':id')
  @Precondition({ version: (context, self: StaticController) => self.versionOf(context), required: true })
  write(@Param('id') id: string): object {
    return { version: this.#versions.raise(id) };
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  static made = 0;
  readonly #versions: Versions;
  readonly #request: unknown;

  constructor(@Inject(Versions) versions: Versions, @Inject(REQUEST) request: unknown) {
    ScopedController.made++;
    this.#versions = versions;
    this.#request = request;
  }

  /** Only the instance of this very request knows it. */
  versionOf(context: ExecutionContext): number | null {
    if (this.#request !== context.switchToHttp().getRequest()) throw new Error('the instance of another request');
    return this.#versions.of(idOf(context));
  }

  @Get(':id')
  @HttpCache({ scope: 'public', version: (context, self: ScopedController) => self.versionOf(context) })
  read(@Param('id') id: string, @Req() request: unknown): object {
    this.#versions.runs++;
    return { id, same: request === this.#request };
  }
}

describe.each(HOSTS)('version knows its controller: %s', (host) => {
  let app: HttpApp;
  let versions: Versions;

  beforeAll(async () => {
    app = await startApp(host, { controllers: [StaticController, ScopedController], providers: [Versions] });
    versions = app.get(Versions);
  });
  afterAll(async () => app.close());

  it.each(['static', 'scoped'])('%s: a 304 runs no handler', async (path) => {
    const first = await app.send(`/${path}/1`);
    expect(first).toMatchObject({ status: 200 });
    expect(first.headers.etag).toMatch(/"7["~]/);
    const runs = versions.runs;
    const second = await app.send(`/${path}/1`, { headers: { 'if-none-match': first.headers.etag } });
    expect([second.status, versions.runs - runs]).toEqual([304, 0]);
    expect(versions.asked).toBeGreaterThanOrEqual(2);
  });

  it('of request scope there is one instance a request', async () => {
    ScopedController.made = 0;
    expect(JSON.parse((await app.send('/scoped/1')).body)).toEqual({ id: '1', same: true });
    expect(ScopedController.made).toBe(1);
  });

  it('a precondition as well', async () => {
    const { headers } = await app.send('/static/1');
    expect(await app.send('/static/1', { method: 'PUT' })).toMatchObject({ status: 428 });
    const seen = { 'if-match': headers.etag };
    expect(await app.send('/static/1', { method: 'PUT', headers: seen })).toMatchObject({ status: 200 });
    expect(await app.send('/static/1', { method: 'PUT', headers: seen })).toMatchObject({ status: 412 });
  });
});
