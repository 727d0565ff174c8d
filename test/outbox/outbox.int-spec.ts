import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gate } from '@strata-cache/core/testing';
import type {
  OutboxBacklog,
  OutboxPublisher,
  OutboxRelay,
  OutboxRelayOptions,
} from '@strata-cache/nestjs/microservices';
import { sql, type Transaction } from 'kysely';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { executorOf } from './executors.js';
import { OutboxStage, type Schema } from './outbox-stage.js';
import { stopDatabases } from './sql-backends.js';

afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe.each(['sqlite', 'postgres'] as const)('the outbox on %s', (kind) => {
  let stage: OutboxStage;
  beforeEach(async () => {
    stage = await OutboxStage.start(kind);
  });
  afterEach(async () => stage.close());

  const backlog = (): Promise<OutboxBacklog> => stage.backlog();
  const enqueue = (count: number, from?: number): Promise<void> => stage.enqueue(count, from);
  const relay = ({ emit }: OutboxPublisher, options?: Partial<OutboxRelayOptions>): OutboxRelay =>
    stage.relay(emit, options);

  it('holds what a transaction committed, and nothing of what was rolled back', async () => {
    const seen: unknown[] = [];
    const write = async (trx: Transaction<Schema>, id: string): Promise<string> => {
      await trx.insertInto('prices').values({ id, cents: 1 }).execute();
      return stage.outbox.enqueue(
        executorOf(trx),
        'price.changed',
        { id, list: ['ü'], none: null },
        { version: 7, key: id },
      );
    };
    const id = await stage.database.transaction().execute(async (trx) => write(trx, 'kept'));
    const undone = stage.database.transaction().execute(async (trx) => {
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
    await sql`alter table strata_outbox rename to elsewhere`.execute(stage.database);
    const seen: string[] = [];
    const one = relay({ emit: async (_type, _payload, { id }) => void seen.push(id) });
    one.start();
    await eventually(() => one.stats().looks > 2);
    await sql`alter table elsewhere rename to strata_outbox`.execute(stage.database);
    await enqueue(1);
    await eventually(() => seen.length === 1);
  });

  it('takes a payload that somebody wrote by hand as the text it is', async () => {
    await sql`insert into strata_outbox (id, type, payload, occurred_at) values ('x', 'price.changed', '{"id":', 0)`.execute(
      stage.database,
    );
    const seen: unknown[] = [];
    relay({ emit: async (_type, payload) => void seen.push(payload) }).start();
    await eventually(async () => (await backlog()).waiting === 0);
    expect(seen).toEqual(['{"id":']);
  });

  it('refuses what could not be published', async () => {
    const execute = executorOf(stage.database);
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    await expect(stage.outbox.enqueue(execute, 'price changed', {})).rejects.toThrow(
      'Outbox.enqueue: expected an event name',
    );
    await expect(stage.outbox.enqueue(execute, 'a', loop)).rejects.toThrow('has no JSON form');
    await expect(stage.outbox.enqueue(execute, 'a', () => 1)).rejects.toThrow('it is a function');
    await expect(stage.outbox.enqueue(execute, 'a', 'x'.repeat(300_000))).rejects.toThrow('maxEventBytes is 262144');
    await expect(stage.outbox.enqueue(execute, 'a', {}, { version: 1.5 })).rejects.toThrow(
      'version: expected a whole number',
    );
    expect((await backlog()).waiting).toBe(0);
  });
});
