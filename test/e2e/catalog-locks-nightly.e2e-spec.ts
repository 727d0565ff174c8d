import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { products } from '../../apps/catalog/src/database/seed-data.js';
import { nightOf } from '../../apps/catalog/src/repricing/repricing.service.js';
import { type Child, fork } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { nightlyInstance, type NightlyHandlers } from './catalog-locks-instance.js';
import { privateCatalogue } from './catalog-settings.js';

const PRODUCTS = 200;
/** Of at most 32 products each. */
const BATCHES = 7;

/** What a night makes of a price, said again: half of the list price is the floor. */
function repriced(cents: number, list: number): number {
  const cheaper = cents - Math.floor(cents / 50);
  return cents < list && cents >= 50 && cheaper * 2 >= list ? cheaper : cents;
}

type Instance = Pick<Child<NightlyHandlers>, 'call'>;

describe('the nightly re-pricing of three instances on one Redis', () => {
  let database: CatalogDatabase;
  /** One in this process, and two in their own, for these are killed. */
  let local: Instance;
  let doomed: Child<NightlyHandlers>[] = [];
  /** What every price must be, had each night happened exactly once. */
  const expected = new Map<string, { cents: number; list: number }>();
  for (const { id, priceCents, listPriceCents } of products(PRODUCTS)) {
    expected.set(id, { cents: priceCents, list: listPriceCents });
  }

  beforeAll(async () => {
    const redis = await new RedisServer().start();
    const settings = privateCatalogue({ redisUrl: redis.url, seedProducts: PRODUCTS });
    database = new CatalogDatabase(settings);
    await database.setUp(PRODUCTS);
    const file = new URL('./catalog-locks.child.ts', import.meta.url);
    const forking = [1, 2].map(async () => fork<NightlyHandlers>(file, [JSON.stringify(settings)]));
    const handlers = await nightlyInstance(settings, () => undefined);
    local = { call: async (name, ...[payload]) => handlers[name](payload as never) as never };
    doomed = await Promise.all(forking);
  }, 60_000);
  afterAll(async () => {
    await local?.call('close');
    await database?.onApplicationShutdown();
    await stopAll();
  });

  const reset = async (child: Instance, stallAfter?: number): Promise<void> => child.call('reset', { stallAfter });
  const batchesOf = async (living: Instance[]): Promise<number> =>
    (await Promise.all(living.map(async (child) => child.call('batches')))).reduce((sum, count) => sum + count, 0);
  /** Passes one more night in the books and compares; returns how many products it has changed. */
  async function expectOneNightMore(nights = 1): Promise<number> {
    let changes = 0;
    for (let night = 0; night < nights; night++) {
      for (const price of expected.values()) {
        const cents = repriced(price.cents, price.list);
        changes += cents === price.cents ? 0 : 1;
        price.cents = cents;
      }
    }
    const rows = await database.sql.selectFrom('products').select(['id', 'priceCents']).execute();
    expect(Object.fromEntries(rows.map((row) => [row.id, row.priceCents]))).toEqual(
      Object.fromEntries([...expected].map(([id, { cents }]) => [id, cents])),
    );
    return changes;
  }
  const runsOf = async (night: string): Promise<{ repriced: number; finished: boolean } | undefined> => {
    const row = await database.sql.selectFrom('repricing').selectAll().where('night', '=', night).executeTakeFirst();
    return row && { repriced: row.repriced, finished: row.finishedAt !== null };
  };

  it('happens once when the clock strikes for all of them', async () => {
    const night = nightOf(new Date());
    const children = [local, ...doomed];
    await Promise.all(children.map(async (child) => child.call('tick')));
    expect(await batchesOf(children)).toBe(BATCHES);
    const changes = await expectOneNightMore();
    expect(changes).toBeGreaterThan(20);
    expect(await runsOf(night)).toEqual({ repriced: changes, finished: true });
    // And not again, whoever asks.
    await Promise.all(children.map(async (child) => child.call('run', { night, wait: '20s' })));
    expect(await batchesOf(children)).toBe(BATCHES);
    await expectOneNightMore(0);
  });

  it('is finished by another instance when the one at work is killed in the middle', async () => {
    const [first, second] = doomed;
    const others = [local, second];
    await Promise.all([reset(first, 3), ...others.map(async (child) => reset(child))]);
    const night = '2999-01-02';
    await others[0].call('warm', [...expected.keys()]);
    const dying = first.call('run', { night, wait: '20s' }).catch((error: Error) => error.message);
    const [changed] = await first.next<readonly string[]>('stalled');
    const finishing = others.map(async (child) => child.call('run', { night, wait: '30s' }));
    await eventually(
      async () =>
        (await Promise.all(others.map(async (child) => child.call('waiting')))).every((waiting) => waiting === 1),
      { what: 'the others wait for their turn' },
    );
    await first.kill9();
    // Between a commit and its invalidation: somebody has the old price in memory, and was not told.
    expect(await others[0].call('price', changed)).toBe(expected.get(changed)?.cents);
    expect(await dying).toContain('SIGKILL');
    const reports = await Promise.all(finishing);
    // Three batches were done by the dead, and four by one of the others.
    expect(await batchesOf(others)).toBe(BATCHES - 3);
    const changes = await expectOneNightMore();
    expect(reports.map((report) => [report.repriced, report.finishedAt !== null])).toEqual([
      [changes, true],
      [changes, true],
    ]);
    expect(await runsOf(night)).toEqual({ repriced: changes, finished: true });
    for (const child of others) {
      await eventually(async () => (await child.call('price', changed)) === expected.get(changed)?.cents, {
        what: 'the new price in every memory',
      });
    }
  }, 60_000);

  it('is finished by the next run when nobody was left to take over', async () => {
    const [, second] = doomed;
    await Promise.all([reset(second, 2), reset(local)]);
    const dying = second.call('run', { night: '2999-01-03', wait: '20s' }).catch((error: Error) => error.message);
    await second.next('stalled');
    await second.kill9();
    expect(await dying).toContain('SIGKILL');
    expect(await runsOf('2999-01-03')).toMatchObject({ finished: false });
    await local.call('run', { night: '2999-01-04', wait: '30s' });
    expect(await batchesOf([local])).toBe(BATCHES - 2 + BATCHES);
    const changes = await expectOneNightMore(2);
    const [left, own] = [await runsOf('2999-01-03'), await runsOf('2999-01-04')];
    expect([left?.finished, own?.finished]).toEqual([true, true]);
    expect((left?.repriced ?? 0) + (own?.repriced ?? 0)).toBe(changes);
  }, 60_000);
});
