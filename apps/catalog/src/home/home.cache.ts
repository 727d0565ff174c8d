import { defineCache } from '@strata-cache/nestjs';
import { productTag } from '../products/products.cache.js';
import type { HomePage } from './home-page.js';

/** The home page: one entry, asked for by everybody, made of five queries. */
export const homeCache = defineCache<[], HomePage>({
  name: 'home',
  version: 1,
  owner: 'HomeService',
  ttl: '30s',
  // It answers from its last good copy for an hour, so that a slow or failing database never takes the front door away.
  grace: '1h',
  // With a stale copy at hand a visitor waits 50 ms for the new one, then gets the copy; the load goes on behind.
  softTimeout: '50ms',
  // Without one there is nothing to show instead: the load has five seconds, then its statement is stopped.
  hardTimeout: '5s',
  // A product shown here that is changed or removed clears the page: a reduced price must not differ from the product's.
  tags: ({ newest, reduced, topRated }) =>
    [...newest, ...reduced, ...topRated].map((product) => productTag(product.id)),
});
