import { Injectable } from '@nestjs/common';
import { LeaseLostError } from '@strata-cache/nestjs';
import { sql } from 'kysely';
import { CatalogDatabase } from '../database/catalog-database.js';
import type { Repricing } from './repricing.js';

/** As many as one invalidation takes tags. */
const BATCH = 32;

/** A run as whoever works on it sees it. */
export interface RepricingRun extends Repricing {
  /** The last product looked at; empty before the first. */
  readonly cursor: string;
}

/** What one batch did. */
export interface RepricedBatch {
  readonly cursor: string;
  /** The products whose price has changed. */
  readonly changed: readonly string[];
}

const COLUMNS = ['night', 'repriced', 'startedAt', 'finishedAt', 'cursor'] as const;

/** The record of each night's run. It, and not the lock, is what makes a night happen once. */
@Injectable()
export class RepricingRepository {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async find(night: string): Promise<Repricing | undefined> {
    return this.#database.sql
      .selectFrom('repricing')
      .select(['night', 'repriced', 'startedAt', 'finishedAt'])
      .where('night', '=', night)
      .executeTakeFirst();
  }

  /** Nights up to `night` that were begun and not finished, the oldest first. */
  async unfinished(night: string): Promise<string[]> {
    const rows = await this.#database.sql
      .selectFrom('repricing')
      .select('night')
      .where('night', '<=', night)
      .where('finishedAt', 'is', null)
      .orderBy('night')
      .execute();
    return rows.map((row) => row.night);
  }

  /**
   * Begins a night's run or takes it over, and raises its fence to `token`: whoever worked on it before writes no more.
   * @throws LeaseLostError when a newer token has been here
   */
  async claim(night: string, token: bigint): Promise<RepricingRun> {
    const run = await this.#database.sql
      .insertInto('repricing')
      .values({ night, token, startedAt: new Date().toISOString() })
      .onConflict((conflict) =>
        conflict
          .column('night')
          .doUpdateSet({ token })
          .where('repricing.token', '<=', sql<number>`excluded.token`),
      )
      .returning(COLUMNS)
      .executeTakeFirst();
    if (!run) throw refused(night, token);
    return run;
  }

  /**
   * Re-prices the products after `cursor`; undefined when there are none left. Prices and cursor change in one
   * transaction, so that whoever takes over after a crash goes on exactly where it stopped.
   * @throws LeaseLostError when a newer token has been here; nothing is written
   */
  async repriceNext(night: string, token: bigint, cursor: string): Promise<RepricedBatch | undefined> {
    return this.#database.sql.transaction().execute(async (transaction) => {
      const products = await transaction
        .selectFrom('products')
        .select('id')
        .where('id', '>', cursor)
        .orderBy('id')
        .limit(BATCH)
        .execute();
      const ids = products.map((product) => product.id);
      const last = ids.at(-1);
      if (last === undefined) return undefined;
      // The fence first: it locks the row, and what follows is only done by whoever is still meant to.
      const { numUpdatedRows } = await transaction
        .updateTable('repricing')
        .set({ cursor: last })
        .where('night', '=', night)
        .where('token', '=', token as never)
        .where('cursor', '=', cursor)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw refused(night, token);
      // What is reduced becomes 2 % cheaper every night, down to half of its list price. Done twice it would show.
      const changed = await transaction
        .updateTable('products')
        .set({
          priceCents: sql<number>`price_cents - price_cents / 50`,
          updatedAt: new Date().toISOString(),
          version: sql<number>`version + 1`,
        })
        .where('id', 'in', ids)
        .where(sql<boolean>`price_cents < list_price_cents`)
        .where(sql<boolean>`(price_cents - price_cents / 50) * 2 >= list_price_cents`)
        .where(sql<boolean>`price_cents >= 50`)
        .returning('id')
        .execute();
      await transaction
        .updateTable('repricing')
        .set({ repriced: sql<number>`repriced + ${sql.lit(changed.length)}` })
        .where('night', '=', night)
        .execute();
      return { cursor: last, changed: changed.map((product) => product.id) };
    });
  }

  /** @throws LeaseLostError when a newer token has been here */
  async finish(night: string, token: bigint): Promise<void> {
    const { numUpdatedRows } = await this.#database.sql
      .updateTable('repricing')
      .set({ finishedAt: new Date().toISOString() })
      .where('night', '=', night)
      .where('token', '=', token as never)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw refused(night, token);
  }
}

function refused(night: string, token: bigint): LeaseLostError {
  return new LeaseLostError(
    `re-pricing of ${night}: token ${token} is refused, a newer one has taken over; nothing was written`,
  );
}
