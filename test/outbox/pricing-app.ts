import 'reflect-metadata';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { CacheModule } from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule, Outbox, OutboxRelay } from '@strata-cache/nestjs/microservices';
import { sql, type Kysely } from 'kysely';
import { executorOf } from './executors.js';
import { open, type Location } from './sql-backends.js';

interface Schema {
  prices: { id: string; cents: number };
}

/** What happens around publishing an event; a writer dies in one of them. */
export interface Deaths {
  beforePublishing?(): Promise<void>;
  afterPublishing?(): Promise<void>;
}

/** A service that owns prices: it changes them, and emits `price.changed` by itself or through the outbox. */
export class PricingApp {
  readonly relay: OutboxRelay;
  readonly events: CacheEvents;
  readonly database: Kysely<Schema>;
  readonly outbox: Outbox;
  readonly #app: INestApplicationContext;

  constructor(app: INestApplicationContext, database: Kysely<Schema>, outbox: Outbox) {
    this.#app = app;
    this.relay = app.get(OutboxRelay);
    this.events = app.get(CacheEvents);
    this.database = database;
    this.outbox = outbox;
  }

  async commit(id: string, cents: number, withOutbox: boolean): Promise<void> {
    await this.database.transaction().execute(async (trx) => {
      await trx.updateTable('prices').set({ cents }).where('id', '=', id).execute();
      if (withOutbox) await this.outbox.enqueue(executorOf(trx), 'price.changed', { id });
    });
  }

  /** Creates the tables, and the prices of the given ids: 100 each. */
  async setUp(ids: readonly string[]): Promise<void> {
    await this.outbox.createTable(executorOf(this.database));
    await sql`create table prices (id text primary key, cents integer not null)`.execute(this.database);
    await this.database
      .insertInto('prices')
      .values(ids.map((id) => ({ id, cents: 100 })))
      .execute();
  }

  async close(): Promise<void> {
    await this.#app.close();
    await this.database.destroy();
  }
}

export async function startPricing(
  location: Location,
  natsUrl: string,
  pollInterval: number,
  deaths: Deaths = {},
): Promise<PricingApp> {
  const database = open<Schema>(location);
  const outbox = new Outbox({ dialect: location.kind });

  @Module({
    imports: [
      CacheModule.forRoot({ namespace: 'pricing' }),
      CacheEventsModule.forRoot({
        client: { transport: Transport.NATS, options: { servers: [natsUrl], maxReconnectAttempts: -1 } },
      }),
    ],
    providers: [
      {
        provide: OutboxRelay,
        inject: [CacheEvents],
        useFactory: (events: CacheEvents) =>
          new OutboxRelay({
            outbox,
            pollInterval,
            connection: (work) => database.connection().execute((held) => work(executorOf(held))),
            events: {
              emit: async (type, payload, options) => {
                await deaths.beforePublishing?.();
                const answer = await events.emit(type, payload, options);
                await deaths.afterPublishing?.();
                return answer;
              },
            },
          }),
      },
    ],
  })
  class PricingModule {}

  return new PricingApp(
    await NestFactory.createApplicationContext(PricingModule, { logger: ['error'] }),
    database,
    outbox,
  );
}
