import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventError } from '@strata-cache/core';
import { gate } from '@strata-cache/core/testing';
import {
  Outbox,
  OutboxRelay,
  type DeadEvent,
  type OutboxPublisher,
  type OutboxRelayOptions,
} from '@strata-cache/nestjs/microservices';
import { Kysely, sql, type Transaction } from 'kysely';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { executorOf } from './executors.js';
import { freshDatabase, open, stopDatabases, type Location } from './sql-backends.js';

interface Schema {
  prices: { id: string; cents: number };
}

const quiet = { pollInterval: '20ms', delay: '10ms', maxDelay: '20ms', maxPause: '20ms' } as const;

afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe.each(['sqlite', 'postgres'] as const)('the outbox on %s', (kind) => {
  let location: Location;
  let outbox: Outbox;
  let databases: Kysely<Schema>[];
  let relays: OutboxRelay[];

  beforeEach(async () => {
    location = await freshDatabase(kind);
    outbox = new Outbox({ dialect: kind });
    databases = [];
    relays = [];
    const database = connect();
    await outbox.createTable(executorOf(database));
    await outbox.createTable(executorOf(database));
    await database.schema
      .createTable('prices')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('cents', 'integer')
      .execute();
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await Promise.all(databases.map((database) => database.destroy()));
  });

  function connect(): Kysely<Schema> {
    const database = open<Schema>(location);
    databases.push(database);
    return database;
  }

  function relay(events: OutboxPublisher, options: Partial<OutboxRelayOptions> = {}): OutboxRelay {
    const database = connect();
    const one = new OutboxRelay({
      ...quiet,
      outbox,
      connection: (work) => database.connection().execute((held) => work(executorOf(held))),
      events,
      ...options,
    });
    relays.push(one);
    return one;
  }

  async function enqueue(count: number, from = 0): Promise<void> {
    await databases[0].transaction().execute(async (trx) => {
      for (let index = from; index < from + count; index++) {
        await outbox.enqueue(executorOf(trx), 'price.changed', { index }, { id: `e${index}` });
      }
    });
  }

  const backlog = () => outbox.backlog(executorOf(databases[0]));

  it('holds what a transaction committed, and nothing of what was rolled back', async () => {
    const seen: unknown[] = [];
    const write = async (trx: Transaction<Schema>, id: string): Promise<string> => {
      await trx.insertInto('prices').values({ id, cents: 1 }).execute();
      return outbox.enqueue(executorOf(trx), 'price.changed', { id, list: ['ü'], none: null }, { version: 7, key: id });
    };
    const id = await databases[0].transaction().execute(async (trx) => write(trx, 'kept'));
    const undone = databases[0].transaction().execute(async (trx) => {
      await write(trx, 'undone');
      throw new Error('rolled back');
    });
    await expect(undone).rejects.toThrow('rolled back');
    expect(await backlog()).toMatchObject({ waiting: 1, dead: 0, oldest: expect.any(Number) });

    const before = Date.now();
    relay({ emit: async (...given) => void seen.push(given) }).start();
    await eventually(async () => (await backlog()).waiting === 0);
    expect(seen).toEqual([
      [
        'price.changed',
        { id: 'kept', list: ['ü'], none: null },
        { id, occurredAt: expect.any(Date), version: 7, key: 'kept', queue: false },
      ],
    ]);
    const { occurredAt } = (seen as [string, unknown, { occurredAt: Date }][])[0][2];
    expect(Math.abs(occurredAt.getTime() - before)).toBeLessThan(60_000);
    expect(await backlog()).toEqual({ waiting: 0, dead: 0, oldest: undefined });
  });

  it('enqueues an id once', async () => {
    await enqueue(1);
    await enqueue(1);
    expect((await backlog()).waiting).toBe(1);
  });

  // SQLite has no row locks: there one relay is enough.
  it('publishes every event once, on PostgreSQL by three relays', async () => {
    const published = new Map<string, number>();
    const each: number[] = [];
    const several = (kind === 'postgres' ? [0, 1, 2] : [0]).map((at) => {
      each[at] = 0;
      return relay(
        {
          emit: async (_type, _payload, { id }) => {
            published.set(id, (published.get(id) ?? 0) + 1);
            each[at]++;
          },
        },
        { batch: 7 },
      );
    });
    await enqueue(300);
    for (const one of several) one.start();
    await eventually(async () => (await backlog()).waiting === 0, { within: 20_000 });
    expect([published.size, each.reduce((sum, one) => sum + one, 0)]).toEqual([300, 300]);
  });

  it('asks again after a failure, with growing pauses, and gives up after maxAttempts without losing it', async () => {
    const died: DeadEvent[] = [];
    let attempts = 0;
    let broken = true;
    const one = relay(
      {
        emit: async (_type, payload: { index: number }) => {
          if (payload.index !== 1) return;
          attempts++;
          if (broken) throw new TypeError('cannot be published');
        },
      },
      {
        maxAttempts: 4,
        onDead: (event) => {
          died.push(event);
          throw new Error('nobody listens');
        },
      },
    );
    await enqueue(3);
    one.start();
    await eventually(() => died.length === 1);
    expect(died).toMatchObject([
      { id: 'e1', attempts: 4, payload: { index: 1 }, error: 'TypeError: cannot be published' },
    ]);
    expect(await backlog()).toMatchObject({ waiting: 0, dead: 1 });
    expect(await outbox.dead(executorOf(databases[0]))).toEqual(died);
    const { looks } = one.stats();
    await eventually(() => one.stats().looks > looks + 3);
    expect([attempts, one.stats()]).toEqual([
      4,
      expect.objectContaining({ delivered: 2, failed: 4, dead: 1, outages: 0 }),
    ]);

    broken = false;
    await outbox.revive(executorOf(databases[0]));
    await eventually(async () => (await backlog()).dead === 0 && (await backlog()).waiting === 0);
    expect(attempts).toBe(5);
  });

  it.each([
    ['throws an EventError', async (): Promise<'queued'> => Promise.reject(new EventError('away'))],
    ['only queues', async (): Promise<'queued'> => 'queued'],
    ['does not answer', async (): Promise<'queued'> => new Promise(() => undefined)],
  ])('keeps everything while the broker %s, and counts no attempt', async (_name, away) => {
    let asked = 0;
    let back = false;
    const one = relay(
      {
        emit: async () => {
          asked++;
          return back ? 'accepted' : away();
        },
      },
      { maxAttempts: 2, publishTimeout: '10ms' as const },
    );
    await enqueue(5);
    one.start();
    await eventually(() => asked > 20);
    expect(await backlog()).toMatchObject({ waiting: 5, dead: 0 });
    back = true;
    await eventually(async () => (await backlog()).waiting === 0);
    expect(one.stats()).toMatchObject({ delivered: 5, failed: 0, dead: 0, outages: 1 });
  });

  it('holds up nothing for an event that is never answered, and gives that one up', async () => {
    const one = relay(
      {
        emit: async (_type, payload: { index: number }) =>
          payload.index === 1 ? new Promise<void>(() => undefined) : undefined,
      },
      { maxAttempts: 3, publishTimeout: 100 },
    );
    await enqueue(3);
    one.start();
    for (let more = 10; (await backlog()).dead === 0; more++) {
      await enqueue(1, more);
      await eventually(async () => (await backlog()).waiting <= 1, { what: 'the others' });
    }
    expect(await outbox.dead(executorOf(databases[0]))).toMatchObject([{ id: 'e1', attempts: 3 }]);
  });

  it('leaves at once when woken after the commit', async () => {
    const seen: string[] = [];
    const one = relay({ emit: async (_type, _payload, { id }) => void seen.push(id) }, { pollInterval: '1h' });
    one.start();
    await eventually(() => one.stats().looks === 1);
    await enqueue(1);
    one.wake();
    await eventually(() => seen.length === 1);
  });

  // 1 a look reads the table, 2 somebody commits and wakes, 3 the look ends. Without a mark the relay would now sleep.
  it('does not oversleep a commit during a look', async () => {
    const seen: string[] = [];
    const held = gate();
    const one = relay(
      {
        emit: async (_type, _payload, { id }) => {
          seen.push(id);
          await held.pass();
        },
      },
      { pollInterval: '1h', publishTimeout: '1h' },
    );
    await enqueue(1);
    one.start();
    await held.arrived();
    await enqueue(1, 1);
    one.wake();
    held.open();
    await eventually(() => seen.includes('e1'));
  });

  it('publishes what waits before it stops', async () => {
    let published = 0;
    const one = relay({ emit: async () => void published++ }, { pollInterval: '1h', batch: 10 });
    one.start();
    await eventually(() => one.stats().looks === 1);
    await enqueue(95);
    await one.stop();
    expect([published, (await backlog()).waiting]).toEqual([95, 0]);
    await enqueue(1, 500);
    one.wake();
    await one.stop();
    expect((await backlog()).waiting).toBe(1);
  });

  it('stops without waiting for a broker that is away', async () => {
    let asked = 0;
    const emit = async (): Promise<'queued'> => {
      asked++;
      return 'queued';
    };
    const one = relay({ emit }, { pollInterval: '1h', batch: 10 });
    await enqueue(30);
    one.start();
    await eventually(() => one.stats().looks === 1);
    await one.stop();
    expect([asked, (await backlog()).waiting]).toEqual([20, 30]);
  });

  it('holds up no writer while it publishes', async () => {
    const held = gate();
    const one = relay({ emit: async () => held.pass() }, { publishTimeout: '1h' });
    await enqueue(3);
    one.start();
    await held.arrived(3);
    await enqueue(3, 10);
    expect((await backlog()).waiting).toBe(6);
    held.open();
    await eventually(async () => (await backlog()).waiting === 0);
  });

  it('goes on after the table was out of reach', async () => {
    await sql`alter table strata_outbox rename to elsewhere`.execute(databases[0]);
    const seen: string[] = [];
    const one = relay({ emit: async (_type, _payload, { id }) => void seen.push(id) });
    one.start();
    await eventually(() => one.stats().looks > 2);
    await sql`alter table elsewhere rename to strata_outbox`.execute(databases[0]);
    await enqueue(1);
    await eventually(() => seen.length === 1);
  });

  it('takes a payload that somebody wrote by hand as the text it is', async () => {
    await sql`insert into strata_outbox (id, type, payload, occurred_at) values ('x', 'price.changed', '{"id":', 0)`.execute(
      databases[0],
    );
    const seen: unknown[] = [];
    relay({ emit: async (_type, payload) => void seen.push(payload) }).start();
    await eventually(async () => (await backlog()).waiting === 0);
    expect(seen).toEqual(['{"id":']);
  });

  it('refuses what could not be published', async () => {
    const execute = executorOf(databases[0]);
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    await expect(outbox.enqueue(execute, 'price changed', {})).rejects.toThrow(
      'Outbox.enqueue: expected an event name',
    );
    await expect(outbox.enqueue(execute, 'a', loop)).rejects.toThrow('has no JSON form');
    await expect(outbox.enqueue(execute, 'a', () => 1)).rejects.toThrow('it is a function');
    await expect(outbox.enqueue(execute, 'a', 'x'.repeat(300_000))).rejects.toThrow('maxEventBytes is 262144');
    await expect(outbox.enqueue(execute, 'a', {}, { version: 1.5 })).rejects.toThrow(
      'version: expected a whole number',
    );
    expect((await backlog()).waiting).toBe(0);
  });
});
