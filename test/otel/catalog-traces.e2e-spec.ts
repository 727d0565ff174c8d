import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { productCache } from '../../apps/catalog/src/products/products.cache.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { baseUrl, SpanLog, traced } from './catalog-kit.js';

const CANARY = 'canary-71be0c';
const log = new SpanLog();

afterAll(async () => {
  await log.close();
  await stopAll();
});

describe.each(['express', 'fastify'] as const)('one request through the catalogue over %s', (adapter) => {
  let app: INestApplication;
  let url: string;
  const written: string[] = [];

  beforeAll(async () => {
    // What a production log would get, at every level.
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    }
    const server = await new RedisServer().start();
    app = await createApp(privateCatalogue({ adapter, redisUrl: server.url }), [
      'log',
      'warn',
      'error',
      'fatal',
      'debug',
      'verbose',
    ]);
    url = await baseUrl(app);
    const products = app.get(Strata).cache(productCache);
    await eventually(async () => (await products.delete('none')).acknowledged, { what: 'the connection' });
  });
  afterAll(async () => {
    await app.close();
    jest.restoreAllMocks();
  });

  it('is one connected trace: request, cached method, second tier, loader, SQL', async () => {
    const { traceId, headers } = traced();
    const response = await fetch(`${url}/products/7`, { headers });
    expect(response.status).toBe(200);
    const tree = await log.tree(traceId, 7);
    const request = adapter === 'express' ? 'GET /products/:id' : 'GET';
    expect(tree).toEqual({
      caller: [request],
      [request]: ['strata.read'],
      'strata.read': ['strata.l2.read', 'strata.l2.lease', 'strata.load', 'strata.l2.fill'],
      'strata.load': ['sql'],
    });
    const sql = log.spans.find((span) => span.name === 'sql' && span.spanContext().traceId === traceId);
    expect(sql?.attributes['db.query.text']).toMatch(/select \* from .products. where .id. = /);
  });

  it('a hit is the request alone', async () => {
    const { traceId, headers } = traced();
    await fetch(`${url}/products/7`, { headers });
    expect(Object.values(await log.tree(traceId, 1)).flat()).toHaveLength(1);
  });

  it('a change is one trace: request, SQL, put, second tier', async () => {
    const { traceId, headers } = traced();
    const body = JSON.stringify({ priceCents: 4_321 });
    const init = { method: 'PATCH', body, headers: { ...headers, 'content-type': 'application/json' } };
    expect((await fetch(`${url}/products/7`, init)).status).toBe(200);
    const names = Object.values(await log.tree(traceId, 5)).flat();
    expect(names).toEqual(expect.arrayContaining(['sql', 'strata.put', 'strata.l2.lease', 'strata.l2.fill']));
  });

  it('a secret used as a key is in no span, no metric and no log', async () => {
    const { traceId, headers } = traced();
    expect((await fetch(`${url}/products/${CANARY}`, { headers })).status).toBe(404);
    expect((await fetch(`${url}/search?q=${CANARY}`, { headers })).status).toBe(200);
    await app.get(Strata).cache(productCache).delete(CANARY);
    await log.tree(traceId, 10);
    const spans = log.spans.map(({ name, attributes, events, status, links }) => ({
      name,
      attributes,
      events,
      status,
      links,
    }));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(spans.length).toBeGreaterThan(20);
    expect(metrics).toContain(
      'strata_lookups_total{engine="prod:catalog",cache="product",tier="none",outcome="miss"} 2',
    );
    expect(written.length).toBeGreaterThan(10);
    for (const text of [JSON.stringify(spans), metrics, written.join('')]) expect(text).not.toContain(CANARY);
  });
});
