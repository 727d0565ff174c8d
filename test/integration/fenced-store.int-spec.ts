import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createStrata, LeaseLostError, type Lease, type Strata } from '@strata-cache/core';
import { FakeClock } from '@strata-cache/core/testing';
import { sql, type RawBuilder } from 'kysely';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { RepricingRepository } from '../../apps/catalog/src/repricing/repricing.repository.js';
import { StockRepository } from '../../apps/catalog/src/stock/stock.repository.js';
import { codeBlocks } from '../docs/markdown.js';
import { type PostgresServer, startPostgres } from '../e2e/catalog-postgres.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { stopAll } from '../support/process-keeper.js';
import { Seeded } from '../support/seeded.js';

const TTL = 10_000;
const ROUNDS = 60;

/** A statement of docs/locks.md, by the word behind its language; `:name` is filled in as a parameter. */
function recipe(mark: string, values: Record<string, string | number | bigint> = {}): RawBuilder<any> {
  const block = codeBlocks('docs/locks.md').find(({ language, marks }) => language === 'sql' && marks.includes(mark));
  if (block === undefined) throw new Error(`docs/locks.md has no block "sql ${mark}"`);
  // Another name than that of the sample's table, which is in the same database.
  const parts = block.code.replaceAll(/\bstock\b/g, 'recipe_stock').split(/:(\w+)/);
  const pieces = parts.map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${values[part]}`));
  return sql.join(pieces, sql.raw(''));
}

let postgres: PostgresServer | undefined;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  await stopAll();
});

describe.each(['SQLite', 'PostgreSQL'])('a fenced store on %s', (kind) => {
  let database: CatalogDatabase;
  let clock: FakeClock;
  let strata: Strata;

  beforeAll(async () => {
    database = new CatalogDatabase(privateCatalogue(kind === 'PostgreSQL' ? { databaseUrl: postgres?.url } : {}));
    await database.setUp(64);
    await recipe('table').execute(database.sql);
  });
  afterAll(async () => database?.onApplicationShutdown());
  beforeEach(() => {
    clock = new FakeClock();
    strata = createStrata({ clock });
  });

  const acquire = async (key: string): Promise<Lease> => strata.locks.acquire(key, { ttl: TTL, renew: false });
  /** The process stood still for longer than its lease lives: time has passed, and no timer has run. */
  const standStill = (): void => clock.jump(TTL + 1);

  describe('the recipe of docs/locks.md', () => {
    const product = 'p';
    const claim = async ({ token }: Lease): Promise<number | undefined> =>
      (await recipe('claim', { product, token }).execute(database.sql)).rows[0]?.available;
    const write = async ({ token }: Lease, left: number): Promise<number> =>
      Number((await recipe('write', { product, token, left }).execute(database.sql)).numAffectedRows);
    const fill = async (available: number): Promise<void> => {
      await sql`delete from recipe_stock`.execute(database.sql);
      await sql`insert into recipe_stock (product_id, available, token) values ('p', ${available}, 0)`.execute(
        database.sql,
      );
    };
    const available = async (): Promise<number> =>
      (await sql<{ available: number }>`select available from recipe_stock`.execute(database.sql)).rows[0].available;

    it('takes the writes of a holder, and a second one of the same lease', async () => {
      await fill(5);
      const lease = await acquire('k');
      expect(await claim(lease)).toBe(5);
      expect(await write(lease, 4)).toBe(1);
      expect(await claim(lease)).toBe(4);
      expect(await write(lease, 3)).toBe(1);
    });

    it('makes the row when there is none', async () => {
      await sql`delete from recipe_stock`.execute(database.sql);
      expect(await claim(await acquire('k'))).toBe(0);
    });

    it('refuses the older token once a newer one has read: reading, and writing', async () => {
      await fill(5);
      const older = await acquire('k');
      expect(await claim(older)).toBe(5);
      standStill();
      const newer = await acquire('k');
      expect(() => older.assertHeld()).toThrow(LeaseLostError);
      expect(await claim(newer)).toBe(5);
      expect(await write(older, 4)).toBe(0);
      expect(await claim(older)).toBeUndefined();
      expect(await write(newer, 3)).toBe(1);
      expect(await write(older, 4)).toBe(0);
      expect(await available()).toBe(3);
    });

    it('is needed at the read: to compare at the write alone loses what was written in between', async () => {
      const [readOnly, compareAtWrite] = [
        async (): Promise<number> => available(),
        async ({ token }: Lease, left: number): Promise<unknown> =>
          sql`update recipe_stock set available = ${left}, token = ${token} where token <= ${token}`.execute(
            database.sql,
          ),
      ];
      await fill(5);
      const a = await acquire('k');
      const readByA = await readOnly();
      standStill();
      const b = await acquire('k');
      const readByB = await readOnly();
      await compareAtWrite(a, readByA - 1);
      await compareAtWrite(b, readByB - 2);
      expect(await available()).toBe(3); // three were given away, and two are missing
    });

    it(`counts right in ${ROUNDS} random interleavings of three holders, each asleep at any point`, async () => {
      const random = new Seeded(Number(process.env.STRATA_SEED ?? 20_261_120));
      let taken = 0;
      let refused = 0;
      for (let round = 0; round < ROUNDS; round++) {
        await fill(1_000);
        let accepted = 0;
        /** Each holder is granted the lock after the one before has fallen asleep; then their steps mix. */
        const steps: { at: number; run: () => Promise<void> }[] = [];
        for (let holder = 0; holder < 3; holder++) {
          const lease = await acquire('k');
          standStill();
          const amount = random.int(1, 9);
          let seen: number | undefined;
          const [first, second] = [random.next(), random.next()].toSorted((x, y) => x - y);
          steps.push({ at: first, run: async () => void (seen = await claim(lease)) });
          steps.push({
            at: second,
            run: async () => {
              if (seen === undefined || (await write(lease, seen - amount)) === 0) {
                refused++;
              } else {
                accepted += amount;
                taken++;
              }
            },
          });
        }
        for (const step of steps.toSorted((x, y) => x.at - y.at)) await step.run();
        expect({ seed: random.seed, round, left: await available() }).toEqual({
          seed: random.seed,
          round,
          left: 1_000 - accepted,
        });
      }
      expect(taken + refused).toBe(3 * ROUNDS);
      // Both have to happen for the count to mean anything.
      expect(Math.min(taken, refused)).toBeGreaterThan(ROUNDS / 4);
    });
  });

  describe('the stock of the sample', () => {
    const stock = (): StockRepository => new StockRepository(database);

    it('refuses the older token by name, and writes neither the count nor the reservation', async () => {
      const before = await stock().find('7');
      const older = await acquire('stock:7');
      const seen = await stock().claim('7', older.token);
      standStill();
      const newer = await acquire('stock:7');
      expect(await stock().claim('7', newer.token)).toBe(seen);
      await expect(stock().reserve('7', 1, seen - 1, older.token)).rejects.toThrow(
        new RegExp(`stock of product "7": token ${older.token} is refused`),
      );
      await expect(stock().claim('7', older.token)).rejects.toBeInstanceOf(LeaseLostError);
      await expect(stock().restock('7', 99, older.token)).rejects.toBeInstanceOf(LeaseLostError);
      expect(await stock().find('7')).toEqual(before);
      await stock().reserve('7', 2, seen - 2, newer.token);
      expect(await stock().find('7')).toEqual({
        productId: '7',
        available: before.available - 2,
        reserved: before.reserved + 2,
      });
    });

    it('counts right with forty at once and nothing but the fence between them', async () => {
      const leases: Lease[] = [];
      for (let caller = 0; caller < 40; caller++) {
        leases.push(await acquire('stock:9'));
        standStill();
      }
      await stock().restock('9', 1_000, 1n);
      const random = new Seeded(Number(process.env.STRATA_SEED ?? 7));
      const outcomes = await Promise.allSettled(
        random.shuffle(leases).map(async ({ token }) => {
          const seen = await stock().claim('9', token);
          await stock().reserve('9', 1, seen - 1, token);
        }),
      );
      const accepted = outcomes.filter(({ status }) => status === 'fulfilled').length;
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(LeaseLostError);
      }
      // The newest token is never refused.
      expect(accepted).toBeGreaterThanOrEqual(1);
      expect(accepted).toBeLessThan(40);
      expect(await stock().find('9')).toEqual({ productId: '9', available: 1_000 - accepted, reserved: accepted });
    });

    it('is filled once, also in a database from before there was one', async () => {
      const lease = await acquire('stock:10');
      await stock().restock('10', 3, lease.token);
      await database.setUp(64);
      expect((await stock().find('10')).available).toBe(3);
      await database.sql.deleteFrom('seeds').where('name', '=', 'stock-v1').execute();
      await database.sql.deleteFrom('stock').where('productId', 'in', ['10', '11']).execute();
      await database.setUp(64);
      expect((await stock().find('10')).available).toBe(20);
      expect((await stock().find('11')).available).toBe(20);
    });

    it('has a constraint besides: below zero nothing is written, whoever holds what', async () => {
      const lease = await acquire('stock:8');
      await stock().claim('8', lease.token);
      await expect(stock().reserve('8', 1, -1, lease.token)).rejects.toThrow(/constraint/i);
      expect(await stock().find('8')).toMatchObject({ reserved: 0 });
    });
  });

  describe('the re-pricing of the sample', () => {
    it('refuses the older token in the middle, and whoever takes over does each product once', async () => {
      const repository = new RepricingRepository(database);
      const prices = async (): Promise<Map<string, number>> =>
        new Map(
          (await database.sql.selectFrom('products').select(['id', 'priceCents']).execute()).map((row) => [
            row.id,
            row.priceCents,
          ]),
        );
      const before = await prices();
      const older = await acquire('repricing');
      const begun = await repository.claim('2026-11-20', older.token);
      const first = await repository.repriceNext('2026-11-20', older.token, begun.cursor);
      standStill();
      const newer = await acquire('repricing');
      const taken = await repository.claim('2026-11-20', newer.token);
      expect(taken.cursor).toBe(first?.cursor);
      await expect(repository.repriceNext('2026-11-20', older.token, taken.cursor)).rejects.toBeInstanceOf(
        LeaseLostError,
      );
      await expect(repository.finish('2026-11-20', older.token)).rejects.toBeInstanceOf(LeaseLostError);
      const second = await repository.repriceNext('2026-11-20', newer.token, taken.cursor);
      // Nor does the same lease do a batch twice.
      await expect(repository.repriceNext('2026-11-20', newer.token, taken.cursor)).rejects.toBeInstanceOf(
        LeaseLostError,
      );
      expect(await repository.repriceNext('2026-11-20', newer.token, second?.cursor ?? '')).toBeUndefined();
      expect(await repository.unfinished('2026-11-20')).toEqual(['2026-11-20']);
      await repository.finish('2026-11-20', newer.token);
      const changed = [...(first?.changed ?? []), ...(second?.changed ?? [])];
      expect(new Set(changed).size).toBe(changed.length);
      expect(await repository.find('2026-11-20')).toMatchObject({ repriced: changed.length });
      expect(changed.length).toBeGreaterThan(5);
      const after = await prices();
      for (const [id, cents] of before) {
        expect([id, after.get(id)]).toEqual([id, changed.includes(id) ? cents - Math.floor(cents / 50) : cents]);
      }
      expect(await repository.unfinished('2026-11-20')).toEqual([]);
    });
  });
});
