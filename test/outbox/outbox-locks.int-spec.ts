import { afterAll, describe, expect, it } from '@jest/globals';
import { gate } from '@strata-cache/core/testing';
import { Outbox, OutboxRelay, type OutboxPublisher, type SqlExecutor } from '@strata-cache/nestjs/microservices';
import { sql, type Kysely } from 'kysely';
import { sealEvent } from '../../libs/nestjs/src/microservices/envelope.js';
import { readEvent } from '../../libs/nestjs/src/microservices/outbox.js';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { executorOf } from './executors.js';
import { ofLibsql, ofPg, type Bare } from './bare-drivers.js';
import { quick } from './outbox-stage.js';
import { freshDatabase, open, stopDatabases } from './sql-backends.js';

type Schema = Record<string, never>;

afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe('row locks on PostgreSQL', () => {
  it('one relay passes over what another holds, and gets it when that one is gone', async () => {
    const location = await freshDatabase('postgres');
    const outbox = new Outbox({ dialect: 'postgres' });
    const [holding, other, writer] = [0, 1, 2].map(() => open<Schema>(location));
    await outbox.createTable(executorOf(writer));
    const held = gate();
    const seen: string[] = [];
    const relayOn = (database: Kysely<Schema>, emit: OutboxPublisher['emit']): OutboxRelay =>
      new OutboxRelay({
        ...quick,
        outbox,
        connection: (work) => database.connection().execute((one) => work(executorOf(one))),
        events: { emit },
        publishTimeout: '1h',
      });
    const first = relayOn(holding, async () => held.pass());
    const second = relayOn(other, async (_type, _payload, { id }) => void seen.push(id));
    await outbox.enqueue(executorOf(writer), 'price.changed', {}, { id: 'held' });
    first.start();
    await held.arrived();
    await outbox.enqueue(executorOf(writer), 'price.changed', {}, { id: 'free' });
    second.start();
    await eventually(() => seen.length === 1);
    await eventually(() => second.stats().looks > 4);
    expect(seen).toEqual(['free']);
    // What the server does when the process of the first relay is gone.
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'`.execute(
      writer,
    );
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['free', 'held']);
    held.open();
    await Promise.all([first.stop(), second.stop()]);
    await Promise.all([holding, other, writer].map((database) => database.destroy()));
  });
});

describe('without a query builder', () => {
  it.each<['postgres' | 'sqlite', (at: string) => Bare]>([
    ['postgres', ofPg],
    ['sqlite', ofLibsql],
  ])('the driver of %s is enough', async (kind, connect) => {
    const { at } = await freshDatabase(kind);
    const { connection, close } = connect(at);
    const outbox = new Outbox({ dialect: kind, table: 'events' });
    await connection(async (execute) => {
      await outbox.createTable(execute);
      await execute('begin', []);
      await outbox.enqueue(execute, 'price.changed', { id: 'undone' });
      await execute('rollback', []);
      await execute('begin', []);
      await outbox.enqueue(execute, 'price.changed', { id: 'kept' }, { version: 2 ** 40 });
      await execute('commit', []);
    });
    const seen: unknown[] = [];
    const emit: OutboxPublisher['emit'] = async (_type, payload, { version }) => void seen.push(payload, version);
    const relay = new OutboxRelay({ ...quick, outbox, connection, events: { emit } });
    relay.start();
    await eventually(() => relay.stats().delivered === 1);
    await relay.stop();
    expect(seen).toEqual([{ id: 'kept' }, 2 ** 40]);
    await close();
  });
});

it('what can be enqueued can be published', async () => {
  const outbox = new Outbox({ dialect: 'sqlite' });
  const sealed: number[] = [];
  const execute: SqlExecutor = async (_text, [id, type, payload]) => {
    const { bytes } = sealEvent(type as string, JSON.parse(payload as string), 's'.repeat(200), 256 * 1024, {
      id: id as string,
      version: Number.MAX_SAFE_INTEGER,
    });
    sealed.push(bytes);
    return { rows: [] };
  };
  const longest = 256 * 1024 - 1_024 - 2;
  const name = 'n'.repeat(200);
  await outbox.enqueue(execute, name, 'x'.repeat(longest));
  await expect(outbox.enqueue(execute, name, 'x'.repeat(longest + 1))).rejects.toThrow('maxEventBytes');
  expect(sealed).toHaveLength(1);
});

it('headers travel in the row, and count', async () => {
  let size = 10;
  const outbox = new Outbox({ dialect: 'sqlite', headers: () => ({ traceparent: 't'.repeat(size) }) });
  const rows: (readonly unknown[])[] = [];
  const execute: SqlExecutor = async (_text, parameters) => {
    rows.push(parameters);
    return { rows: [] };
  };
  await outbox.enqueue(execute, 'price.changed', {});
  expect(rows[0].at(-1)).toBe('{"traceparent":"tttttttttt"}');
  size = 300_000;
  await expect(outbox.enqueue(execute, 'price.changed', {})).rejects.toThrow('maxEventBytes');
  const row = { id: 'a', type: 'b', payload: '{}', version: null, route: null, occurred: 0, attempts: 0 };
  expect(readEvent({ ...row, headers: '{"a":"b"}' }).headers).toEqual({ a: 'b' });
  for (const headers of [null, '"text"', '{"a":', '1']) {
    expect(readEvent({ ...row, headers }).headers).toBeUndefined();
  }
});

describe('what is refused at construction', () => {
  it.each<[string, () => unknown]>([
    ['dialect is required', () => new Outbox({} as any)],
    ['table: expected a table', () => new Outbox({ dialect: 'sqlite', table: 'pricing.outbox' })],
    [`dialect: expected 'postgres' or 'sqlite'`, () => new Outbox({ dialect: 'mysql' as any })],
    ['table: expected a table', () => new Outbox({ dialect: 'sqlite', table: 'a; drop table prices' })],
    ['unknown option "tabel"', () => new Outbox({ dialect: 'sqlite', tabel: 'x' } as any)],
    ['outbox is required', () => new OutboxRelay({ connection: () => undefined, events: { emit: () => 1 } } as any)],
    ['events: expected CacheEvents', () => new OutboxRelay({ events: {} } as any)],
    ['unknown option "interval"', () => new OutboxRelay({ interval: 1 } as any)],
  ])('%s', (message, make) => {
    expect(make).toThrow(message);
  });
});
