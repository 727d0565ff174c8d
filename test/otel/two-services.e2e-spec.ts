import 'reflect-metadata';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import { createApp as createCatalog } from '../../apps/catalog/src/create-app.js';
import { priceCache } from '../../apps/catalog/src/prices/prices.cache.js';
import { createApp as createPricing } from '../../apps/pricing/src/create-app.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import type { Broker } from '../support/broker.js';
import { natsServer } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { ownDir } from '../support/process-keeper.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { baseUrl, SpanLog, traced } from './catalog-kit.js';

const CANARY = 'canary-09d4';

describe('a price that changes in one service and is forgotten by the other', () => {
  const log = new SpanLog();
  let nats: Broker;
  let catalog: INestApplication;
  let pricing: INestApplication;
  let url: string;

  beforeAll(async () => {
    const [server, broker] = await Promise.all([new RedisServer().start(), natsServer().start()]);
    nats = broker;
    const natsUrl = `nats://127.0.0.1:${nats.port}`;
    const own = { databaseUrl: undefined, databaseFile: join(ownDir('pricing'), 'pricing.db'), adminToken: undefined };
    pricing = await createPricing({ port: 0, natsUrl, outboxPollInterval: 100, development: true, ...own }, false);
    url = await baseUrl(pricing);
    catalog = await createCatalog(privateCatalogue({ redisUrl: server.url, natsUrl, seedProducts: 20 }), false);
    await baseUrl(catalog);
    const prices = catalog.get(Strata).cache(priceCache);
    await eventually(async () => (await prices.delete('none')).acknowledged, { what: 'the connection' });
  });
  afterAll(async () => {
    await catalog.close();
    await pricing.close();
    await log.close();
    await stopAll();
  });

  const change = async (id: string, headers: object): Promise<number> => {
    const body = JSON.stringify({ priceCents: 4_200 });
    const init = { method: 'PUT', body, headers: { 'content-type': 'application/json', ...headers } };
    return (await fetch(`${url}/admin/prices/${id}`, init)).status;
  };

  it('is one trace, through the outbox and the broker', async () => {
    const { traceId, headers } = traced();
    expect(await change('7', headers)).toBe(200);
    const tree = await log.tree(traceId, 4);
    expect(tree).toEqual({
      caller: ['PUT /admin/prices/:productId'],
      'PUT /admin/prices/:productId': ['strata.event'],
      'strata.event': ['strata.invalidate'],
      'strata.invalidate': ['strata.l2.invalidate'],
    });
    const event = log.spans.find((span) => span.name === 'strata.event' && span.spanContext().traceId === traceId);
    expect(event?.attributes).toEqual({ 'strata.event': 'price.changed' });
  });

  it('names no product, and the invalidation is counted', async () => {
    const { traceId, headers } = traced();
    expect(await change(CANARY, headers)).toBe(200);
    await log.tree(traceId, 4);
    expect(
      JSON.stringify(log.spans.map(({ name, attributes, events }) => ({ name, attributes, events }))),
    ).not.toContain(CANARY);
    const counts = [...catalog.get(Strata).counts()].filter(({ name }) => name === 'events');
    expect(counts.map(({ labels }) => labels.join(' '))).toEqual(expect.arrayContaining(['in received', 'in applied']));
  });

  it('an event without a trace is applied as well', async () => {
    const { applied } = { applied: () => catalog.get(Strata).cache(priceCache).stats().invalidations };
    const before = applied();
    expect(await change('9', { traceparent: `${'x'.repeat(5_000)}` })).toBe(200);
    await eventually(() => applied() > before, { what: 'the invalidation' });
  });
});
