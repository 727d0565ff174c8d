import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { ChangeProduct, CreateProduct } from './product.requests.js';
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

  /** Returns the row as it stands after the change; undefined when there is none. */
  async change(id: string, changes: ChangeProduct): Promise<Product | undefined> {
    return this.#database.sql
      .updateTable('products')
      .set({ ...changes, ...touched() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /**
   * Replaces what a product says, if it still has the version its editor has seen; undefined when it has another one, or is gone. The
   * comparison and the change are one statement: of two editors who saw the same version one is refused, whatever they checked before.
   */
  async replace(id: string, seen: number, product: CreateProduct): Promise<Product | undefined> {
    return this.#database.sql
      .updateTable('products')
      .set({ ...product, ...touched() })
      .where('id', '=', id)
      .where('version', '=', seen)
      .returningAll()
      .executeTakeFirst();
  }

  /** Removes the product with its reviews and returns what it was; undefined when there was none. */
  async remove(id: string): Promise<Product | undefined> {
    return this.#database.sql.deleteFrom('products').where('id', '=', id).returningAll().executeTakeFirst();
  }
}

/** What every change of a product changes besides. */
function touched() {
  return { updatedAt: new Date().toISOString(), version: sql<number>`version + 1` };
}
