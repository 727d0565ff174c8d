import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { AddReview } from './review.requests.js';
import type { Review, ReviewSummary, TopRated } from './review.js';

const LATEST = 20;
// How many average reviews each product is granted before its own count (a Bayesian mean).
const PRIOR_REVIEWS = 5;

@Injectable()
export class ReviewsRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async latest(productId: string): Promise<Review[]> {
    return this.#reviews()
      .where('reviews.productId', '=', productId)
      .orderBy('reviews.createdAt', 'desc')
      .orderBy('reviews.id')
      .limit(LATEST)
      .execute();
  }

  /** Returns the stored review; undefined when there is no such customer. */
  async add(productId: string, review: AddReview): Promise<Review | undefined> {
    const id = randomUUID();
    const known = await this.#database.sql
      .selectFrom('customers')
      .select('id')
      .where('id', '=', review.customerId)
      .executeTakeFirst();
    if (!known) return undefined;
    await this.#database.sql
      .insertInto('reviews')
      .values({ id, productId, ...review, createdAt: new Date().toISOString() })
      .execute();
    return this.#reviews().where('reviews.id', '=', id).executeTakeFirst();
  }

  /** Slow: to rank one product, all reviews of its category are aggregated. */
  async summary(productId: string, categoryId: string, signal?: AbortSignal): Promise<ReviewSummary> {
    const ranking = this.#database
      .reading(signal)
      .with('rated', (db) =>
        db
          .selectFrom('reviews')
          .innerJoin('products', 'products.id', 'reviews.productId')
          .select('products.id')
          .select(sql<number>`cast(count(*) as integer)`.as('count'))
          .select(sql<number>`cast(avg(reviews.rating) as double precision)`.as('average'))
          .where('products.categoryId', '=', categoryId)
          .groupBy('products.id'),
      )
      .with('ranking', (db) =>
        db
          .selectFrom('rated')
          .select(['id', 'count', 'average'])
          .select(sql<number>`cast(rank() over (order by average desc) as integer)`.as('rank'))
          .select(sql<number>`cast(count(*) over () as integer)`.as('ranked')),
      );
    const row = await ranking.selectFrom('ranking').selectAll().where('id', '=', productId).executeTakeFirst();
    if (!row) return { productId, count: 0, average: null, rank: null, ranked: 0 };
    return { productId, count: row.count, average: rounded(row.average), rank: row.rank, ranked: row.ranked };
  }

  /** Slow: the mean of all reviews weighs every product's own. Without `categoryId`: of the whole catalogue. */
  async topRated(limit: number, categoryId?: string, signal?: AbortSignal): Promise<TopRated[]> {
    const mean = sql<number>`(select avg(rating) from reviews)`;
    const score = sql<number>`cast((sum(reviews.rating) + ${PRIOR_REVIEWS} * ${mean}) / (count(*) + ${PRIOR_REVIEWS}) as double precision)`;
    let query = this.#database
      .reading(signal)
      .selectFrom('reviews')
      .innerJoin('products', 'products.id', 'reviews.productId')
      .select(['products.id', 'products.name', 'products.categoryId'])
      .select(score.as('score'))
      .select(sql<number>`cast(count(*) as integer)`.as('reviews'))
      .groupBy(['products.id', 'products.name', 'products.categoryId'])
      .orderBy('score', 'desc')
      .orderBy('products.id')
      .limit(limit);
    if (categoryId !== undefined) query = query.where('products.categoryId', '=', categoryId);
    return (await query.execute()).map((row) => ({ ...row, score: rounded(row.score) }));
  }

  #reviews() {
    return this.#database.sql
      .selectFrom('reviews')
      .innerJoin('customers', 'customers.id', 'reviews.customerId')
      .select(['reviews.id', 'reviews.productId', 'customers.name as customer', 'reviews.rating'])
      .select(['reviews.body', 'reviews.createdAt']);
  }
}

function rounded(rating: number): number {
  return Math.round(rating * 100) / 100;
}
