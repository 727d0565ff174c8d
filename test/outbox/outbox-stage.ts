import {
  Outbox,
  OutboxRelay,
  type OutboxBacklog,
  type OutboxPublisher,
  type OutboxRelayOptions,
} from '@strata-cache/nestjs/microservices';
import type { Kysely } from 'kysely';
import { executorOf } from './executors.js';
import { freshDatabase, open, type Location } from './sql-backends.js';

export interface Schema {
  prices: { id: string; cents: number };
}

/** Short enough for tests. */
export const quick = { pollInterval: '20ms', delay: '10ms', maxDelay: '20ms', maxPause: '20ms' } as const;

/** An empty database with an outbox and a table of prices, and any number of relays on it. */
export class OutboxStage {
  readonly outbox: Outbox;
  /** The first connection, where events are enqueued. */
  readonly database: Kysely<Schema>;
  readonly #location: Location;
  readonly #databases: Kysely<Schema>[] = [];
  readonly #relays: OutboxRelay[] = [];

  private constructor(location: Location) {
    this.#location = location;
    this.outbox = new Outbox({ dialect: location.kind });
    this.database = this.#connect();
  }

  static async start(kind: Location['kind']): Promise<OutboxStage> {
    const stage = new OutboxStage(await freshDatabase(kind));
    await stage.outbox.createTable(executorOf(stage.database));
    // Again does no harm.
    await stage.outbox.createTable(executorOf(stage.database));
    await stage.database.schema
      .createTable('prices')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('cents', 'integer')
      .execute();
    return stage;
  }

  async close(): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.stop()));
    await Promise.all(this.#databases.map((database) => database.destroy()));
  }

  /** A relay on a connection of its own, not started. */
  relay(emit: OutboxPublisher['emit'], options: Partial<OutboxRelayOptions> = {}): OutboxRelay {
    const database = this.#connect();
    const relay = new OutboxRelay({
      ...quick,
      outbox: this.outbox,
      connection: (work) => database.connection().execute((held) => work(executorOf(held))),
      events: { emit },
      ...options,
    });
    this.#relays.push(relay);
    return relay;
  }

  /** Commits events with the ids `e<from>` and so on. */
  async enqueue(count: number, from = 0): Promise<void> {
    await this.database.transaction().execute(async (trx) => {
      for (let index = from; index < from + count; index++) {
        await this.outbox.enqueue(executorOf(trx), 'price.changed', { index }, { id: `e${index}` });
      }
    });
  }

  async backlog(): Promise<OutboxBacklog> {
    return this.outbox.backlog(executorOf(this.database));
  }

  #connect(): Kysely<Schema> {
    const database = open<Schema>(this.#location);
    this.#databases.push(database);
    return database;
  }
}
