import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Strata } from '@strata-cache/nestjs';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { productCache } from '../../apps/catalog/src/products/products.cache.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { Seeded } from '../support/seeded.js';
import { lineChart, type Line } from './line-chart.js';
import { Prometheus, type Series } from './prometheus.js';
import { project } from './promtool.js';

/** Seconds: how long it runs, and when Redis stands still. */
const RUN = 60;
const FREEZE = 20;
const THAW = 35;
const CLIENTS = 6;
const PRODUCTS = 200;

/**
 * The catalogue under load while its Redis is frozen and comes back, as a real Prometheus sees it: the plots of docs/observability.md are drawn
 * from that. Fails when a page was not answered, when the breaker stayed closed, or when an invalidation was left.
 */
async function run(): Promise<void> {
  const server = await new RedisServer({ config: { maxmemory: '64mb', 'maxmemory-policy': 'volatile-lru' } }).start();
  const app = await createApp(privateCatalogue({ redisUrl: server.url }), false);
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const products = app.get(Strata).cache(productCache);
  await eventually(async () => (await products.delete('none')).acknowledged, { what: 'the connection' });
  const prometheus = await Prometheus.start([new URL(url).host]);
  const random = new Seeded(Number(process.env.STRATA_SEED ?? 1));
  const from = Date.now() / 1000;
  const elapsed = (): number => Date.now() / 1000 - from;
  let pages = 0;
  let failed = 0;
  let slowest = 0;
  const page = async (path: string, init?: RequestInit): Promise<void> => {
    const started = performance.now();
    const response = await fetch(url + path, init);
    await response.arrayBuffer();
    slowest = Math.max(slowest, performance.now() - started);
    pages++;
    failed += response.ok ? 0 : 1;
  };
  // Squared: a few products are asked for most.
  const product = (): string => `/products/${1 + Math.floor(PRODUCTS * random.next() ** 2)}`;
  const readers = Array.from({ length: CLIENTS }, async () => {
    while (elapsed() < RUN) {
      await page(product());
      await delay(5);
    }
  });
  const writer = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    while (elapsed() < RUN) {
      await page(product(), { method: 'PATCH', headers, body: JSON.stringify({ priceCents: 100 + pages }) });
      await delay(400);
    }
  };
  const outage = async (): Promise<void> => {
    await delay(FREEZE * 1000);
    await server.freeze();
    await delay((THAW - FREEZE) * 1000);
    server.thaw();
  };
  await Promise.all([...readers, writer(), outage()]);
  const { unsent, breaker, breakerOpenings } = app.get(Strata).stats();
  await delay(1_500);
  const to = from + RUN;
  const range = (expression: string): Promise<readonly Series[]> => prometheus.range(expression, from, to);
  const lookups = await range('sum by (tier, outcome) (rate(strata_lookups_total{cache="product"}[4s]))');
  const queue = await range('strata_recovery_queue');
  const age = await range('strata_bus_heartbeat_age_seconds');
  const hitRatio = await range(
    'sum(rate(strata_lookups_total{cache="product",outcome!="miss"}[4s])) / sum(rate(strata_lookups_total{cache="product"}[4s]))',
  );
  const band = { name: 'Redis stands still', from: FREEZE, to: THAW };
  const folder = join(project, 'docs/images');
  mkdirSync(folder, { recursive: true });
  const lines = lookups
    .map(({ labels, points }): Line => ({
      name: labels.tier === 'none' ? 'miss' : `${labels.tier} ${labels.outcome}`,
      points,
    }))
    .filter(({ points }) => points.some(([, value]) => value > 1));
  writeFileSync(
    join(folder, 'outage-lookups.svg'),
    lineChart({ title: 'Lookups of products', unit: 'per second', lines, band }),
  );
  const waiting = [
    { name: 'waiting invalidations', points: queue[0].points },
    { name: 'heartbeat age, s', points: age[0].points },
  ];
  writeFileSync(
    join(folder, 'outage-waiting.svg'),
    lineChart({
      title: 'Invalidations that wait, and the age of the last heartbeat',
      unit: 'number, seconds',
      lines: waiting,
      band,
    }),
  );
  const mean = (points: Line['points'], since: number, until: number): number => {
    const some = points.filter(([at]) => at >= since && at < until).map(([, value]) => value);
    return some.reduce((sum, value) => sum + value, 0) / some.length;
  };
  const ratio = hitRatio[0].points;
  const peak = Math.max(...queue[0].points.map(([, value]) => value));
  await app.close();
  await stopAll();
  const figures: [string, number, string][] = [
    ['pages', pages, `answered in ${RUN} s by one instance, Redis frozen from ${FREEZE} to ${THAW} s`],
    ['failed', failed, 'pages that were not answered'],
    ['slowest-ms', Math.round(slowest), 'the slowest page, the outage included'],
    ['breaker-openings', breakerOpenings, 'at least 1'],
    ['waiting-peak', peak, 'invalidations that waited for Redis'],
    ['waiting-left', unsent, 'when the run ended'],
    ['hit-ratio-before', Number(mean(ratio, 10, FREEZE).toFixed(3)), ''],
    ['hit-ratio-during', Number(mean(ratio, FREEZE + 7, THAW).toFixed(3)), 'past maxStaleness, from the source'],
    ['hit-ratio-after', Number(mean(ratio, THAW + 10, RUN).toFixed(3)), ''],
  ];
  for (const [name, value, note] of figures) console.log(`PROOF ${name}=${value}  ${note}`);
  const holds = pages > 500 && failed === 0 && breakerOpenings >= 1 && breaker === 'closed' && peak > 0 && unsent === 0;
  if (!holds) process.exitCode = 1;
}

await run();
