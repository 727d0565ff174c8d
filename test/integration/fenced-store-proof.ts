import 'reflect-metadata';
import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import type { Settings } from '../../apps/catalog/src/settings.js';
import { StockRepository } from '../../apps/catalog/src/stock/stock.repository.js';
import { startPostgres } from '../e2e/catalog-postgres.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { type Child, fork } from '../support/child.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import type { handlers } from './fenced-store.child.js';

/**
 * SIGSTOP of a holder between its read and its write, until somebody else has the lock; then SIGCONT. In every second round it wakes up
 * between the read and the write of its successor, where comparing tokens at the write alone would let it through.
 */
const ROUNDS = 50;
const TTL = 300;
const PRODUCT = '42';

interface Outcome {
  readonly rounds: number;
  readonly knew: number;
  readonly refused: number;
  readonly counted: boolean;
}

async function stopped(settings: Settings & { redisUrl: string }): Promise<Outcome> {
  const strata = createStrata({ namespace: 'fenced', l2: redis({ url: settings.redisUrl }) });
  const database = new CatalogDatabase(settings);
  await database.setUp(64);
  const stock = new StockRepository(database);
  const child: Child<typeof handlers> = await fork(new URL('./fenced-store.child.ts', import.meta.url), [
    JSON.stringify(settings),
  ]);
  await strata.locks.withLock(`stock:${PRODUCT}`, async ({ token }) => stock.restock(PRODUCT, 1_000, token));
  let [rounds, knew, refused] = [0, 0, 0];
  for (; rounds < ROUNDS; rounds++) {
    const old = await child.call('hold', { product: PRODUCT, ttl: TTL });
    await child.stop();
    const lease = await strata.locks.acquire(`stock:${PRODUCT}`, { wait: '30s' });
    if (lease.token <= old) throw new Error(`round ${rounds}: token ${lease.token} after ${old}`);
    const seen = await stock.claim(PRODUCT, lease.token);
    if (rounds % 2 === 0) await stock.reserve(PRODUCT, 2, seen - 2, lease.token);
    const late = child.call('write', PRODUCT);
    child.cont();
    const outcome = await late;
    knew += outcome.knew ? 1 : 0;
    refused += outcome.taken ? 0 : 1;
    if (rounds % 2 === 1) await stock.reserve(PRODUCT, 2, seen - 2, lease.token);
    await lease.release();
  }
  const { available, reserved } = await stock.find(PRODUCT);
  await child.kill9();
  await strata.close();
  await database.onApplicationShutdown();
  return { rounds, knew, refused, counted: available === 1_000 - 2 * rounds && reserved === 2 * rounds };
}

try {
  const server = await new RedisServer().start();
  const postgres = await startPostgres();
  for (const [name, databaseUrl] of [
    ['sqlite', undefined],
    ['postgres', postgres.url],
  ] as const) {
    const { rounds, knew, refused, counted } = await stopped({
      ...privateCatalogue({ databaseUrl }),
      redisUrl: server.url,
    });
    console.log(`PROOF ${name}.rounds=${rounds}  SIGSTOP of the holder between read and write, beyond its ttl`);
    console.log(`PROOF ${name}.knew=${knew}  assertHeld threw after SIGCONT`);
    console.log(`PROOF ${name}.refused=${refused}  late writes refused by the row`);
    if (rounds !== ROUNDS || knew !== ROUNDS || refused !== ROUNDS || !counted) {
      console.log(`VIOLATION ${name}: ${JSON.stringify({ rounds, knew, refused, counted })}`);
      process.exitCode = 1;
    }
  }
  await postgres.stop();
} finally {
  await stopAll();
}
