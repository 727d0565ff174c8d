import 'reflect-metadata';
import { createStrata, LeaseLostError, type Lease } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import type { Settings } from '../../apps/catalog/src/settings.js';
import { StockRepository } from '../../apps/catalog/src/stock/stock.repository.js';
import { serveCalls } from '../support/child-side.js';

/** What became of a holder that was stopped for longer than its lease lives. */
export interface LateWrite {
  /** `assertHeld()` threw before anything else was done. */
  readonly knew: boolean;
  /** The database took the write. */
  readonly taken: boolean;
}

/** A process that reads a stock under a lock, and writes it after it has been stopped in between. */
const settings = JSON.parse(process.argv[2]) as Settings & { redisUrl: string };
const strata = createStrata({ namespace: 'fenced', l2: redis({ url: settings.redisUrl }) });
const stock = new StockRepository(new CatalogDatabase(settings));
let lease: Lease;
let seen = 0;

export const handlers = serveCalls({
  hold: async ({ product, ttl }: { product: string; ttl: number }) => {
    lease = await strata.locks.acquire(`stock:${product}`, { ttl: `${ttl}ms`, wait: '10s' });
    seen = await stock.claim(product, lease.token);
    return lease.token;
  },
  /** Looks, and then writes all the same: as if it had been stopped between the two. */
  write: async (product: string): Promise<LateWrite> => {
    let knew = false;
    try {
      lease.assertHeld();
    } catch {
      knew = true;
    }
    try {
      await stock.reserve(product, 1, seen - 1, lease.token);
      return { knew, taken: true };
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
      return { knew, taken: false };
    }
  },
});
