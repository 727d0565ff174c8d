import { defineCache } from '@strata-cache/nestjs';
import type { SearchResult } from './search.js';

/** On every result: any product that changes may belong to any result. */
export const SEARCH_TAG = 'search';

/** Search results: dear to compute, and no harm when a little old. */
export const searchCache = defineCache<[words: string, categoryId: string | null, page: number], SearchResult>({
  name: 'search',
  version: 1,
  owner: 'SearchService',
  key: (words, categoryId, page) => [words, categoryId, page],
  // Stale-while-revalidate: after half a minute the first to ask still gets the old result at once, and one refresh runs
  // behind the answer.
  ttl: '30s',
  grace: '10m',
  // Each search occupies the database for long; a burst of different words shall not take it away from everything else.
  maxConcurrentLoads: 8,
  tags: [SEARCH_TAG],
});
