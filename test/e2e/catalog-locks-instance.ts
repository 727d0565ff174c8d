import { SchedulerRegistry } from '@nestjs/schedule';
import { LockService, type Duration } from '@strata-cache/nestjs';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { ProductsService } from '../../apps/catalog/src/products/products.service.js';
import type { Repricing } from '../../apps/catalog/src/repricing/repricing.js';
import { RepricingRepository, type RepricedBatch } from '../../apps/catalog/src/repricing/repricing.repository.js';
import { RepricingService } from '../../apps/catalog/src/repricing/repricing.service.js';
import type { Settings } from '../../apps/catalog/src/settings.js';

/**
 * One instance of the catalogue, as a test of its nights handles it, in this process or in one of its own.
 * `onStalled`: told of the batch at which it stands still for ever, when it was asked to.
 */
export async function nightlyInstance(settings: Settings, onStalled: (changed: readonly string[]) => void) {
  const app = await createApp(settings, ['error', 'fatal']);
  await app.init();
  let batches = 0;
  let stallAt = Number.POSITIVE_INFINITY;
  const repository = app.get(RepricingRepository);
  const repriceNext = repository.repriceNext.bind(repository);
  // The real one, and behind its commit, before any cache is told of it, the place to stand still.
  repository.repriceNext = async (night, token, cursor): Promise<RepricedBatch | undefined> => {
    const batch = await repriceNext(night, token, cursor);
    if (batch === undefined) return batch;
    batches += 1;
    if (batches === stallAt) {
      onStalled(batch.changed);
      await new Promise(() => undefined);
    }
    return batch;
  };
  return {
    /** What the clock does at three. */
    tick: async (): Promise<void> => app.get(SchedulerRegistry).getCronJob('repricing').fireOnTick(),
    run: async ({ night, wait }: { night: string; wait: Duration }): Promise<Repricing> =>
      app.get(RepricingService).run(night, wait),
    /** Counts batches from here, and stands still after so many. */
    reset: ({ stallAfter }: { stallAfter: number | undefined }): void => {
      batches = 0;
      stallAt = stallAfter ?? Number.POSITIVE_INFINITY;
    },
    batches: (): number => batches,
    /** How many wait for a lock. */
    waiting: (): number => app.get(LockService).stats().waiting,
    /** Has every product in memory. */
    warm: async (ids: readonly string[]): Promise<void> => {
      for (const id of ids) await app.get(ProductsService).get(id);
    },
    price: async (id: string): Promise<number> => (await app.get(ProductsService).get(id)).priceCents,
    close: async (): Promise<void> => app.close(),
  };
}

export type NightlyHandlers = Awaited<ReturnType<typeof nightlyInstance>>;
