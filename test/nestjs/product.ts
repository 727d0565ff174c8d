import { defineCache } from '@strata-cache/nestjs';

export interface Product {
  readonly id: string;
  readonly name: string;
}

/** The plainest of caches: one key argument, one minute. */
export const products = defineCache<[id: string], Product>({
  name: 'product',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '1m',
});
