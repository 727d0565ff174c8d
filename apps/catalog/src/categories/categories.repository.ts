import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { Category } from './category.js';

@Injectable()
export class CategoriesRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async all(signal?: AbortSignal): Promise<Category[]> {
    return this.#database
      .reading(signal)
      .selectFrom('categories')
      .leftJoin('products', 'products.categoryId', 'categories.id')
      .select(['categories.id', 'categories.name', 'categories.description'])
      .select(sql<number>`cast(count(products.id) as integer)`.as('products'))
      .groupBy(['categories.id', 'categories.name', 'categories.description'])
      .orderBy('categories.name')
      .execute();
  }
}
