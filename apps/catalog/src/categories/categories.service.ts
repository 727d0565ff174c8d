import { Injectable } from '@nestjs/common';
import { Cacheable } from '@strata-cache/nestjs';
import { CategoriesRepository } from './categories.repository.js';
import type { Category } from './category.js';

@Injectable()
export class CategoriesService {
  readonly #repository: CategoriesRepository;

  constructor(repository: CategoriesRepository) {
    this.#repository = repository;
  }

  /**
   * Pattern: the inline form. One small entry that nobody else clears needs no definition of its own; its counts may be
   * a minute behind.
   */
  @Cacheable({ ttl: '1m', key: () => 'all' })
  async all(): Promise<readonly Category[]> {
    return this.#repository.all();
  }

  async exists(id: string): Promise<boolean> {
    return (await this.all()).some((category) => category.id === id);
  }
}
