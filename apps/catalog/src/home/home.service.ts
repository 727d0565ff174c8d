import { Injectable } from '@nestjs/common';
import { type Cache, InjectCache } from '@strata-cache/nestjs';
import { homeCache } from './home.cache.js';
import type { HomePage } from './home-page.js';
import { HomeRepository } from './home.repository.js';

@Injectable()
export class HomeService {
  readonly #repository: HomeRepository;
  readonly #cache: Cache<[], HomePage>;

  constructor(repository: HomeRepository, @InjectCache(homeCache) cache: Cache<[], HomePage>) {
    this.#repository = repository;
    this.#cache = cache;
  }

  /** Pattern: soft timeout over grace, by `getOrSet` because the signal of the hard timeout shall reach the queries. */
  async page(): Promise<HomePage> {
    return this.#cache.getOrSet([], ({ signal }) => this.#repository.read(signal));
  }
}
