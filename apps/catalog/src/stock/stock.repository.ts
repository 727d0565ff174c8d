import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LeaseLostError } from '@strata-cache/nestjs';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { Reservation, Stock } from './stock.js';

/**
 * A fenced store: each row remembers the token of the lease that touched it last, and refuses an older one.
 *
 * To look at the write alone is not enough. 1 A (token 1) reads 5 and is suspended beyond its ttl, 2 B (token 2) reads 5,
 * 3 A wakes and writes 4, and the row has seen no newer token yet, 4 B writes 3: A's reservation is gone from the count.
 * So the row is told of the token when it is read: then 3 is refused.
 */
@Injectable()
export class StockRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async find(productId: string): Promise<Stock> {
    const row = await this.#database.sql
      .selectFrom('products')
      .leftJoin('stock', 'stock.productId', 'products.id')
      .select((from) => [
        'stock.available',
        from
          .selectFrom('reservations')
          .select(sql<number>`cast(coalesce(sum(quantity), 0) as integer)`.as('sum'))
          .where('reservations.productId', '=', productId)
          .as('reserved'),
      ])
      .where('products.id', '=', productId)
      .executeTakeFirst();
    return { productId, available: row?.available ?? 0, reserved: row?.reserved ?? 0 };
  }

  /**
   * Reads what is available and raises the fence to `token`, in one statement.
   * @throws LeaseLostError when a newer token has been here
   */
  async claim(productId: string, token: bigint): Promise<number> {
    const row = await this.#database.sql
      .insertInto('stock')
      .values({ productId, available: 0, token })
      .onConflict((conflict) =>
        conflict
          .column('productId')
          .doUpdateSet({ token })
          .where('stock.token', '<=', sql<number>`excluded.token`),
      )
      .returning('available')
      .executeTakeFirst();
    if (!row) throw refused(productId, token);
    return row.available;
  }

  /**
   * Writes a reservation and what is left, behind the fence that `claim` has raised.
   * @throws LeaseLostError when a newer token has been here; nothing is written
   */
  async reserve(productId: string, quantity: number, left: number, token: bigint): Promise<Reservation> {
    const reservation = { id: randomUUID(), productId, quantity, createdAt: new Date().toISOString() };
    await this.#database.sql.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('stock')
        .set({ available: left })
        .where('productId', '=', productId)
        .where('token', '=', token as never)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw refused(productId, token);
      await transaction.insertInto('reservations').values(reservation).execute();
    });
    return reservation;
  }

  /** Sets what is available. @throws LeaseLostError when a newer token has been here */
  async restock(productId: string, available: number, token: bigint): Promise<void> {
    await this.claim(productId, token);
    const { numUpdatedRows } = await this.#database.sql
      .updateTable('stock')
      .set({ available })
      .where('productId', '=', productId)
      .where('token', '=', token as never)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw refused(productId, token);
  }
}

function refused(productId: string, token: bigint): LeaseLostError {
  return new LeaseLostError(
    `stock of product "${productId}": token ${token} is refused, a newer one has been here; nothing was written`,
  );
}
