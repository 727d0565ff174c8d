import 'reflect-metadata';
import { SchedulerRegistry } from '@nestjs/schedule';
import { LockService, type Duration } from '@strata-cache/nestjs';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { ProductsService } from '../../apps/catalog/src/products/products.service.js';
import type { Repricing } from '../../apps/catalog/src/repricing/repricing.js';
import { RepricingRepository, type RepricedBatch } from '../../apps/catalog/src/repricing/repricing.repository.js';
import { RepricingService } from '../../apps/catalog/src/repricing/repricing.service.js';
import type { Settings } from '../../apps/catalog/src/settings.js';
import { serveCalls, tellParent } from '../support/child-side.js';

/** One instance of the catalogue in a process of its own, to be killed in the middle of a night. */
const app = await createApp(JSON.parse(process.argv[2]) as Settings, ['error', 'fatal']);
await app.init();

let batches = 0;
let stallAt = Number.POSITIVE_INFINITY;
const repository = app.get(RepricingRepository);
const repriceNext = repository.repriceNext.bind(repository);
/** The real one, and behind its commit, before anybody was told of it, a place to stand still for ever. */
repository.repriceNext = async (night, token, cursor): Promise<RepricedBatch | undefined> => {
  const batch = await repriceNext(night, token, cursor);
  if (batch === undefined) return batch;
  batches += 1;
  if (batches === stallAt) {
    tellParent('stalled', batch.changed);
    await new Promise(() => undefined);
  }
  return batch;
};

export const handlers = serveCalls({
  /** What the clock does at three. */
  tick: async () => app.get(SchedulerRegistry).getCronJob('repricing').fireOnTick(),
  run: async ({ night, wait }: { night: string; wait: Duration }): Promise<Repricing> =>
    app.get(RepricingService).run(night, wait),
  /** Counts from here, and stands still after so many batches. */
  reset: ({ stallAfter }: { stallAfter: number | undefined }) => {
    batches = 0;
    stallAt = stallAfter ?? Number.POSITIVE_INFINITY;
  },
  batches: () => batches,
  waiting: () => app.get(LockService).stats().waiting,
  /** Has every product in memory. */
  warm: async (ids: readonly string[]) => {
    for (const id of ids) await app.get(ProductsService).get(id);
  },
  price: async (id: string) => (await app.get(ProductsService).get(id)).priceCents,
});
