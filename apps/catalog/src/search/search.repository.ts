import { Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { Found, SearchResult } from './search.js';

const PAGE_SIZE = 20;

@Injectable()
export class SearchRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  /** Slow: `like '%...%'` can use no index, so every product and every review is read. */
  async search(words: string, categoryId: string | null, page: number): Promise<SearchResult> {
    const named = all(words, 'products.name');
    const described = all(words, 'products.description');
    const mentions = sql<number>`coalesce(mentioned.mentions, 0)`;
    let query = this.#database.sql
      .with('mentioned', (db) =>
        db
          .selectFrom('reviews')
          .select('productId')
          .select(sql<number>`cast(count(*) as integer)`.as('mentions'))
          .where(all(words, 'reviews.body'))
          .groupBy('productId'),
      )
      .selectFrom('products')
      .leftJoin('mentioned', 'mentioned.productId', 'products.id')
      .select(['products.id', 'products.name', 'products.categoryId', 'products.priceCents'])
      .select(mentions.as('mentions'))
      .select(sql<number>`cast(count(*) over () as integer)`.as('total'))
      .where((where) => where.or([named, described, sql<boolean>`mentioned.mentions > 0`]))
      .orderBy(
        sql`case when ${named} then 10 else 0 end + case when ${described} then 3 else 0 end + ${mentions}`,
        'desc',
      )
      .orderBy('products.id')
      .limit(PAGE_SIZE)
      .offset((page - 1) * PAGE_SIZE);
    if (categoryId !== null) query = query.where('products.categoryId', '=', categoryId);
    const rows = await query.execute();
    return { q: words, total: rows[0]?.total ?? 0, items: rows.map(({ total: _, ...found }): Found => found) };
  }
}

/** True where the column holds every one of the words. `lower` because PostgreSQL's `like` minds the case. */
function all(words: string, column: string): RawBuilder<boolean> {
  const each = words.split(' ').map((word) => {
    const pattern = `%${word.replace(/[\\%_]/g, (special) => `\\${special}`)}%`;
    return sql<boolean>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`;
  });
  return sql<boolean>`(${sql.join(each, sql` and `)})`;
}
