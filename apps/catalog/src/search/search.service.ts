import { Injectable } from '@nestjs/common';
import { Cacheable } from '@strata-cache/nestjs';
import { searchCache } from './search.cache.js';
import { SearchRepository } from './search.repository.js';
import type { SearchQuery } from './search.requests.js';
import type { SearchResult } from './search.js';

@Injectable()
export class SearchService {
  readonly #repository: SearchRepository;

  constructor(repository: SearchRepository) {
    this.#repository = repository;
  }

  /** Pattern: cache-aside with stale-while-revalidate. `args` picks the key out of the request object. */
  @Cacheable(searchCache, { args: ({ q, category, page }) => [q, category ?? null, page] })
  async search({ q, category, page }: SearchQuery): Promise<SearchResult> {
    return this.#repository.search(q, category ?? null, page);
  }
}
