import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import { METRICS } from '@strata-cache/otel';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { productCache } from '../../apps/catalog/src/products/products.cache.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { baseUrl } from './catalog-kit.js';
import { Prometheus } from './prometheus.js';
import { project, prometheusNames } from './promtool.js';

const LOOKUPS = 'sum by (tier, outcome) (strata_lookups_total{cache="product"})';

describe('a real Prometheus that scrapes the catalogue', () => {
  let app: INestApplication;
  let url: string;
  let prometheus: Prometheus;

  beforeAll(async () => {
    const server = await new RedisServer().start();
    app = await createApp(privateCatalogue({ redisUrl: server.url }), false);
    url = await baseUrl(app);
    const products = app.get(Strata).cache(productCache);
    await eventually(async () => (await products.delete('none')).acknowledged, { what: 'the connection' });
    prometheus = await Prometheus.start([new URL(url).host], [join(project, 'deploy/prometheus/alerts.yml')]);
  });
  afterAll(async () => {
    await app.close();
    await stopAll();
  });

  it('gets the numbers the application counts', async () => {
    for (const id of ['1', '2', '3', '1', '1']) await fetch(`${url}/products/${id}`);
    await fetch(`${url}/products/none-such`);
    const counted = () => app.get(Strata).cache(productCache).stats();
    expect(counted().misses).toBe(4);
    const scraped = async (): Promise<Record<string, number>> => {
      const samples = await prometheus.query(LOOKUPS);
      return Object.fromEntries(samples.map(({ labels, value }) => [`${labels.tier} ${labels.outcome}`, value]));
    };
    // What is done behind the answers (a second look for the version, a fill) may still be counted.
    const same = async (): Promise<boolean> => (await scraped())['l1 hit'] === counted().hits - counted().negative;
    await eventually(same, { within: 20_000, what: 'a scrape' });
    expect(counted().hits).toBeGreaterThanOrEqual(2);
    expect(await scraped()).toMatchObject({ 'none miss': 4, 'l2 hit': 0 });
    expect(await prometheus.targets()).toEqual([expect.objectContaining({ health: 'up', lastError: '' })]);
  });

  it('knows every metric that moves without faults, locks, HTTP and events', async () => {
    await eventually(async () => (await prometheus.query('strata_redis_keys')).length > 0, {
      within: 20_000,
      what: 'vitals',
    });
    const names = new Set(await prometheus.names());
    const known = Object.values(METRICS).filter((metric) => prometheusNames(metric).every((name) => names.has(name)));
    expect(known.length).toBeGreaterThanOrEqual(38);
    const unknown = Object.values(METRICS)
      .filter((metric) => !known.includes(metric))
      .map(({ name }) => name);
    expect(
      unknown.filter(
        (name) =>
          !/^strata\.(lock\.|events|http|expected|l2\.errors|l2\.refusals|redis\.command|bus\.received|invalidations)/.test(
            name,
          ),
      ),
    ).toEqual([]);
  });

  it('tells its health, and what the doctor finds', async () => {
    const health = (await (await fetch(`${url}/health`)).json()) as { status: string; info: object };
    expect(health).toMatchObject({ status: 'ok', info: { cache: { status: 'up', breaker: 'closed', bus: 'alive' } } });
    const examined = (await (await fetch(`${url}/health/cache`)).json()) as { report: string[]; checklist: string[] };
    // The private Redis of the test has no limit; everything else is as it should be.
    expect(examined.report.filter((line) => !/no-maxmemory|fast-source|short-ttl/.test(line))).toEqual([]);
    expect(examined.report.join()).toContain('no-maxmemory: Redis: no maxmemory');
    expect(
      examined.checklist.some((line) =>
        /^product +\[x\] owner {2}\[x\] clearer {2}\[x\] ttl {2}\[x\] negative/.test(line),
      ),
    ).toBe(true);
  });

  it('evaluates every expression of the dashboard and has loaded the alert rules', async () => {
    const dashboard = readFileSync(join(project, 'deploy/grafana/strata.json'), 'utf8');
    const { panels } = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] };
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThanOrEqual(47);
    let answered = 0;
    for (const expression of expressions) {
      const ready = expression.replaceAll('$__rate_interval', '1m').replaceAll(/\$(engine|cache)\b/g, '.*');
      answered += (await prometheus.query(ready)).length > 0 ? 1 : 0;
    }
    expect(answered).toBeGreaterThanOrEqual(34);
    expect((await prometheus.query('ALERTS')).filter(({ labels }) => labels.alertstate === 'firing')).toEqual([]);
  });
});
