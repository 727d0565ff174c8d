import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Post, Res, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CacheEvict, CacheModule, defineCache, HttpCache, HttpCacheService } from '@strata-cache/nestjs';
import { gate, type Gate } from '@strata-cache/nestjs/testing';
import { redis } from '@strata-cache/redis';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { HOSTS, type HostName } from './hosts.js';
import { send, type RawResponse } from './raw-request.js';

const things = defineCache<[id: string], object>({
  name: 'thing',
  version: 1,
  owner: 'shared.int-spec',
  key: (id) => id,
  ttl: '1m',
});

@Injectable()
class Things {
  @CacheEvict(things, { tags: () => ['things'] })
  async change(_id: string): Promise<void> {}
}

let runs = 0;
let held: Gate | undefined;
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

@Controller()
class SharedController {
  constructor(private readonly things: Things) {}

  @Get('page/:id')
  @HttpCache({ scope: 'public', maxAge: '1m', staleWhileRevalidate: '1m', store: true, tags: ['things'] })
  async page(@Param('id') id: string, @Res({ passthrough: true }) response: any): Promise<object> {
    const run = ++runs;
    await held?.pass();
    (response.raw ? response.header : response.setHeader).bind(response)('Link', ['<a>', '<b>']);
    return { id, run };
  }

  @Get('bytes')
  @HttpCache({ scope: 'public', maxAge: '1m', store: { manual: true } })
  bytes(@Res() response: any): void {
    runs++;
    response.send(BINARY);
  }

  @Post('change')
  async change(): Promise<void> {
    await this.things.change('1');
  }

  @Post('page/:id')
  write(): void {}
}

interface Instance {
  readonly app: INestApplication;
  readonly port: number;
}

async function start(host: HostName, url: string): Promise<Instance> {
  const testing = await Test.createTestingModule({
    imports: [
      CacheModule.forRoot({ namespace: `http:${host}`, l2: redis({ url }), http: { global: true, salt: '1' } }),
    ],
    controllers: [SharedController],
    providers: [Things],
  }).compile();
  const adapter = host === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = testing.createNestApplication(adapter as never, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, port: (app.getHttpServer().address() as AddressInfo).port };
}

let server: RedisServer;
beforeAll(async () => {
  server = await new RedisServer().start();
});
afterAll(stopAll);

describe.each(HOSTS)('responses shared by two instances through Redis on %s', (host) => {
  let instances: Instance[];
  beforeAll(async () => {
    instances = await Promise.all([start(host, server.url), start(host, server.url)]);
  });
  afterAll(() => Promise.all(instances.map(({ app }) => app.close())));

  /** One host name for both, as behind a balancer. */
  const ask = (instance: number, path: string, method = 'GET', headers = {}): Promise<RawResponse> =>
    send(instances[instance].port, path, { method, headers: { host: 'shop.example', ...headers } });

  it('the other one answers from what this one has stored, exactly', async () => {
    // Until both are connected and the second tier is filled, which happens behind the answer.
    let attempt = 0;
    const [path, first, second] = await eventually(async () => {
      const path = `/page/${attempt++}`;
      const [here, there] = [await ask(0, path), await ask(1, path)];
      return here.body === there.body && ([path, here, there] as const);
    });
    for (const field of ['content-type', 'etag', 'cache-control', 'link', 'date']) {
      expect(second.headers[field]).toBe(first.headers[field]);
    }
    expect(second.headers.link).toBe('<a>, <b>');
    expect((await ask(1, path, 'GET', { 'if-none-match': first.headers.etag })).status).toBe(304);
  });

  it('bytes arrive as they were', async () => {
    await ask(0, '/bytes');
    await eventually(async () => (await ask(1, '/bytes')).headers['cache-status']?.includes('hit') === true);
    expect([...(await ask(1, '/bytes')).bytes]).toEqual([...BINARY]);
  });

  it('20 parallel requests to both run the handler once', async () => {
    runs = 0;
    held = gate();
    const joined = (): number => instances.reduce((sum, { app }) => sum + app.get(HttpCacheService).stats()!.joined, 0);
    const before = joined();
    const all = Promise.all(Array.from({ length: 20 }, (_, index) => ask(index % 2, '/page/parallel')));
    await held.arrived();
    // One of each instance leads a flight: here the handler runs, there it is waited for.
    await eventually(() => joined() === before + 18);
    held.open();
    held = undefined;
    expect(new Set((await all).map(({ body }) => body))).toEqual(new Set(['{"id":"parallel","run":1}']));
    expect(runs).toBe(1);
  });

  it.each([
    ['a tag', '/change'],
    ['a write to the URL', '/page/evicted'],
  ])('%s here removes it there', async (_name, path) => {
    await ask(0, '/page/evicted');
    await eventually(async () => (await ask(1, '/page/evicted')).headers['cache-status']?.includes('hit') === true);
    const { body } = await ask(1, '/page/evicted');
    expect((await ask(0, path, 'POST')).status).toBe(201);
    await eventually(async () => (await ask(1, '/page/evicted')).body !== body);
  });

  it('without Redis each answers by itself', async () => {
    await server.freeze();
    try {
      const { status, body } = await ask(0, '/page/frozen');
      expect([status, JSON.parse(body).id]).toEqual([200, 'frozen']);
    } finally {
      server.thaw();
    }
  });
});
