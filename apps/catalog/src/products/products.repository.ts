import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { CreateProduct } from './product.requests.js';
import type { SeenVersions } from './seen-versions.js';
import type { Product, ProductPage } from './product.js';

const PAGE_SIZE = 20;

@Injectable()
export class ProductsRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async find(id: string): Promise<Product | undefined> {
    return this.#database.sql.selectFrom('products').selectAll().where('id', '=', id).executeTakeFirst();
  }

  async page(categoryId: string, page: number): Promise<ProductPage> {
    const ofCategory = this.#database.sql.selectFrom('products').where('categoryId', '=', categoryId);
    const items = await ofCategory
      .selectAll()
      .orderBy('name')
      .orderBy('id')
      .limit(PAGE_SIZE)
      .offset((page - 1) * PAGE_SIZE)
      .execute();
    const { total } = await ofCategory
      .select(sql<number>`cast(count(*) as integer)`.as('total'))
      .executeTakeFirstOrThrow();
    return { page, total, items };
  }

  async create(product: CreateProduct): Promise<Product> {
    const now = new Date().toISOString();
    const added = { id: randomUUID(), listPriceCents: product.priceCents, createdAt: now, updatedAt: now, version: 1 };
    const row = { ...product, ...added };
    return this.#database.sql.insertInto('products').values(row).returningAll().executeTakeFirstOrThrow();
  }

  /** The version of a product as it is now; undefined when there is none. */
  async version(id: string): Promise<number | undefined> {
    const row = await this.#database.sql
      .selectFrom('products')
      .select('version')
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.version;
  }

  /**
   * Returns the row as it stands after the change; undefined when there is none, or it has none of the versions its editor has seen. The
   * comparison and the change are one statement: of two editors who saw the same version one is refused, whatever they checked before.
   */
  async change(id: string, changes: Partial<CreateProduct>, seen: SeenVersions = 'any'): Promise<Product | undefined> {
    if (seen.length === 0) return undefined;
    let update = this.#database.sql
      .updateTable('products')
      .set({ ...changes, updatedAt: new Date().toISOString(), version: sql<number>`version + 1` })
      .where('id', '=', id);
    if (seen !== 'any') update = update.where('version', 'in', [...seen]);
    return update.returningAll().executeTakeFirst();
  }

  /** Removes the product with its reviews and returns what it was; undefined when there was none. */
  async remove(id: string): Promise<Product | undefined> {
    return this.#database.sql.deleteFrom('products').where('id', '=', id).returningAll().executeTakeFirst();
  }
}
