import 'reflect-metadata';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheEvict, defineCache, Transactions } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';
import type { Kysely, Transaction } from 'kysely';
import { freshDatabase, open, stopDatabases } from '../outbox/sql-backends.js';
import { stopAll } from '../support/process-keeper.js';

interface Schema {
  prices: { id: string; cents: number };
}

const prices = defineCache<[id: string], number>({
  name: 'price',
  version: 1,
  owner: 'Prices',
  key: (id) => id,
  ttl: '1h',
});

@Injectable()
class Prices {
  loads = 0;

  constructor(
    readonly reading: Kysely<Schema>,
    readonly transactions: Transactions,
  ) {}

  @Cacheable(prices)
  async find(id: string): Promise<number> {
    this.loads++;
    return (await this.reading.selectFrom('prices').select('cents').where('id', '=', id).executeTakeFirstOrThrow())
      .cents;
  }

  @CacheEvict(prices, { args: (id) => id, phase: 'afterCommit' })
  async change(id: string, cents: number, sql: Transaction<Schema>): Promise<void> {
    await sql.updateTable('prices').set({ cents }).where('id', '=', id).execute();
  }

  @CacheEvict(prices, { args: (id) => id })
  async changeCarelessly(id: string, cents: number, sql: Transaction<Schema>): Promise<void> {
    await sql.updateTable('prices').set({ cents }).where('id', '=', id).execute();
  }
}

afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe.each(['sqlite', 'postgres'] as const)("phase 'afterCommit' in a transaction of %s", (kind) => {
  let module: TestingModule;
  let databases: Kysely<Schema>[] = [];
  afterEach(async () => {
    await module?.close();
    await Promise.all(databases.splice(0).map((database) => database.destroy()));
  });

  async function start(): Promise<{ service: Prices; writing: Kysely<Schema> }> {
    const location = await freshDatabase(kind);
    const [writing, reading] = (databases = [open<Schema>(location), open<Schema>(location)]);
    await writing.schema
      .createTable('prices')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('cents', 'integer', (c) => c.notNull())
      .execute();
    await writing.insertInto('prices').values({ id: '1', cents: 100 }).execute();
    const transactions = new Transactions();
    const service = new Prices(reading, transactions);
    module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ transactions })],
      providers: [{ provide: Prices, useFactory: () => service }],
    }).compile();
    await module.init();
    return { service, writing };
  }

  it('a rollback leaves the cache alone', async () => {
    const { service, writing } = await start();
    await service.find('1');
    const rolledBack = service.transactions.around(() =>
      writing.transaction().execute(async (sql) => {
        await service.change('1', 999, sql);
        throw new RangeError('changed my mind');
      }),
    );
    await expect(rolledBack).rejects.toThrow('changed my mind');
    expect([await service.find('1'), service.loads]).toEqual([100, 1]);
  });

  it('a commit clears it, for whoever reads next', async () => {
    const { service, writing } = await start();
    await service.find('1');
    await service.transactions.around(() =>
      writing.transaction().execute(async (sql) => service.change('1', 200, sql)),
    );
    expect([await service.find('1'), service.loads]).toEqual([200, 2]);
  });

  // 1 the method has returned, 2 a reader misses or hits and sees the committed, old row, 3 the commit, 4 the next reader.
  it.each([
    ['change', 200],
    ['changeCarelessly', 100],
  ] as const)('after %s and a read before the commit, the cache holds %i', async (method, left) => {
    const { service, writing } = await start();
    await service.find('1');
    await service.transactions.around(() =>
      writing.transaction().execute(async (sql) => {
        await service[method]('1', 200, sql);
        expect(await service.find('1')).toBe(100);
      }),
    );
    expect(await service.find('1')).toBe(left);
  });
});
