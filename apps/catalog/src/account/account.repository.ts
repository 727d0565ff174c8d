import { Injectable } from '@nestjs/common';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { Account } from './account.js';

const LATEST = 10;

@Injectable()
export class AccountRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async find(id: string): Promise<Account | undefined> {
    const customer = await this.#database.sql
      .selectFrom('customers')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!customer) return undefined;
    const reviews = await this.#database.sql
      .selectFrom('reviews')
      .innerJoin('customers', 'customers.id', 'reviews.customerId')
      .select(['reviews.id', 'reviews.productId', 'customers.name as customer', 'reviews.rating'])
      .select(['reviews.body', 'reviews.createdAt'])
      .where('reviews.customerId', '=', id)
      .orderBy('reviews.createdAt', 'desc')
      .orderBy('reviews.id')
      .limit(LATEST)
      .execute();
    return { ...customer, reviews };
  }
}
