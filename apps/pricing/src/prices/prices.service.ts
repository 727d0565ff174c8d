import { Injectable } from '@nestjs/common';
import { OutboxRelay } from '@strata-cache/nestjs/microservices';
import { executorOf, PricingDatabase } from '../database/pricing-database.js';
import type { Price, PriceChanged } from './price.js';

@Injectable()
export class PricesService {
  readonly #database: PricingDatabase;
  readonly #relay: OutboxRelay;

  constructor(database: PricingDatabase, relay: OutboxRelay) {
    this.#database = database;
    this.#relay = relay;
  }

  /** Not cached here: whoever has just been told of a change asks this service, and must get what was committed. */
  async find(productId: string): Promise<Price | undefined> {
    return this.#database.sql.selectFrom('prices').selectAll().where('productId', '=', productId).executeTakeFirst();
  }

  /**
   * Pattern: transactional outbox. The price and the event about it are committed together; if this process dies right after the commit, the
   * event is in the table, and the relay of any instance publishes it at its next look.
   */
  async change(productId: string, priceCents: number): Promise<Price> {
    return this.#database.transaction(async (sql) => {
      const changedAt = new Date().toISOString();
      const price = await sql
        .insertInto('prices')
        .values({ productId, priceCents, version: 1, changedAt })
        .onConflict((conflict) =>
          conflict.column('productId').doUpdateSet((row) => ({
            priceCents,
            changedAt,
            version: row('prices.version', '+', 1),
          })),
        )
        .returningAll()
        .executeTakeFirstOrThrow();
      const changed: PriceChanged = { productId };
      await this.#database.outbox.enqueue(executorOf(sql), 'price.changed', changed, {
        version: price.version,
        key: productId,
      });
      this.#database.transactions.afterCommit(async () => this.#relay.wake());
      return price;
    });
  }
}
