import { defineCache } from '@strata-cache/nestjs';
import type { Price, PriceChanged } from './price.js';

/** A price of the pricing service: asked for with every product, owned and changed elsewhere. `null`: that service knows none. */
export const priceCache = defineCache<[productId: string], Price | null>({
  name: 'price',
  version: 1,
  owner: 'PricesService',
  key: (productId) => productId,
  // Long, because the event clears it; it bounds how long a price can be wrong if an event is lost on its way.
  ttl: '10m',
  // If the pricing service is away, a price up to an hour old is better than none.
  grace: '1h',
  negativeTtl: '1m',
  hardTimeout: '2s',
  invalidatedBy: { 'price.changed': ({ productId }: PriceChanged) => ({ keys: [productId] }) },
  expectedHitRatio: 0.95,
});
