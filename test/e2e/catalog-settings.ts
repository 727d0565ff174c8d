import { join } from 'node:path';
import type { Settings } from '../../apps/catalog/src/settings.js';
import { ownDir } from '../support/process-keeper.js';

/** A catalogue of its own with 200 products and 4,000 reviews; the files go with `stopAll`. */
export function privateCatalogue(settings: Partial<Settings> = {}): Settings {
  return {
    port: 0,
    adapter: 'express',
    databaseUrl: undefined,
    databaseFile: join(ownDir('catalog'), 'catalog.db'),
    seedProducts: 200,
    redisUrl: undefined,
    development: false,
    ...settings,
  };
}
