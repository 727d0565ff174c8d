import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { CategoriesRepository } from '../categories/categories.repository.js';
import { CatalogDatabase } from '../database/catalog-database.js';
import { ReviewsRepository } from '../reviews/reviews.repository.js';
import type { HomePage, Reviewer } from './home-page.js';
import type { Product } from '../products/product.js';

const SHOWN = 8;

@Injectable()
export class HomeRepository {
  readonly #database: CatalogDatabase;
  readonly #categories: CategoriesRepository;
  readonly #reviews: ReviewsRepository;

  constructor(database: CatalogDatabase, categories: CategoriesRepository, reviews: ReviewsRepository) {
    this.#database = database;
    this.#categories = categories;
    this.#reviews = reviews;
  }

  /** Slow: five queries, two of which aggregate all reviews. */
  async read(signal?: AbortSignal): Promise<HomePage> {
    const [categories, newest, reduced, topRated, reviewers] = await Promise.all([
      this.#categories.all(signal),
      this.#newest(signal),
      this.#reduced(signal),
      this.#reviews.topRated(SHOWN, undefined, signal),
      this.#reviewers(signal),
    ]);
    return { categories, newest, reduced, topRated, reviewers };
  }

  async #newest(signal?: AbortSignal): Promise<Product[]> {
    const products = this.#database.reading(signal).selectFrom('products').selectAll();
    return products.orderBy('createdAt', 'desc').orderBy('id').limit(SHOWN).execute();
  }

  async #reduced(signal?: AbortSignal): Promise<Product[]> {
    const products = this.#database.reading(signal).selectFrom('products').selectAll();
    const share = sql`cast(price_cents as double precision) / list_price_cents`;
    return products.orderBy(share).orderBy('id').limit(SHOWN).execute();
  }

  async #reviewers(signal?: AbortSignal): Promise<Reviewer[]> {
    return this.#database
      .reading(signal)
      .selectFrom('reviews')
      .innerJoin('customers', 'customers.id', 'reviews.customerId')
      .select(['customers.id', 'customers.name'])
      .select(sql<number>`cast(count(*) as integer)`.as('reviews'))
      .groupBy(['customers.id', 'customers.name'])
      .orderBy('reviews', 'desc')
      .orderBy('customers.id')
      .limit(SHOWN)
      .execute();
  }
}
