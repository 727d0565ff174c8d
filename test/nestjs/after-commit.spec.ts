import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheEvict, CacheModule, defineCache, type Notice, Transactions } from '@strata-cache/nestjs';
import { CacheTestingModule, gate } from '@strata-cache/nestjs/testing';

interface Row {
  readonly id: string;
  readonly group: string;
  readonly value: number;
}

const rows = defineCache<[id: string], Row>({ name: 'row', version: 1, owner: 'Rows', key: (id) => id, ttl: '1h' });
const groups = defineCache<[group: string], number>({
  name: 'group',
  version: 1,
  owner: 'Rows',
  key: (group) => group,
  ttl: '1h',
  tags: (_sum, group) => [`group:${group}`],
});

/** A source whose writes are visible to others only after the commit. */
@Injectable()
class Rows {
  committed = 1;
  pending: number | undefined;
  loads = 0;
  reading = gate();

  @Cacheable(rows)
  async find(id: string): Promise<Row> {
    this.loads++;
    const value = this.committed;
    await this.reading.pass();
    return { id, group: 'a', value };
  }

  @Cacheable(groups)
  async sum(group: string): Promise<number> {
    void group;
    this.loads++;
    return this.committed;
  }

  @CacheEvict(rows, { args: (id) => id, phase: 'afterCommit' })
  @CacheEvict(groups, { tags: (row) => [`group:${row.group}`], phase: 'afterCommit' })
  async change(id: string, value: number): Promise<{ id: string; group: string }> {
    this.pending = value;
    return { id, group: 'a' };
  }

  @CacheEvict(rows, { args: (id) => id })
  async changeCarelessly(_id: string, value: number): Promise<void> {
    this.pending = value;
  }

  commit(): void {
    this.committed = this.pending ?? this.committed;
  }
}

describe("@CacheEvict with phase 'afterCommit'", () => {
  const opened: INestApplicationContext[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((app) => app.close())));

  const notices: Notice[] = [];
  async function open(
    transactions: Transactions | { afterCommit(run: () => Promise<void>): boolean | void },
  ): Promise<Rows> {
    notices.length = 0;
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ transactions, observer: { notice: (notice) => notices.push(notice) } })],
      providers: [Rows],
    }).compile();
    opened.push(await module.init());
    const service = module.get(Rows);
    service.reading.open();
    return service;
  }

  it('clears keys and tags once the transaction has committed, and not before', async () => {
    const transactions = new Transactions();
    const service = await open(transactions);
    await service.find('1');
    await service.sum('a');
    await transactions.around(async () => {
      await service.change('1', 2);
      expect([(await service.find('1')).value, await service.sum('a'), service.loads]).toEqual([1, 1, 2]);
      service.commit();
    });
    // Without waiting for anything else: whoever awaits the transaction reads its own write.
    expect([(await service.find('1')).value, await service.sum('a'), service.loads]).toEqual([2, 2, 4]);
  });

  it('leaves the cache alone when the transaction is rolled back', async () => {
    const transactions = new Transactions();
    const service = await open(transactions);
    await service.find('1');
    const rollback = transactions.around(async () => {
      await service.change('1', 2);
      throw new RangeError('rolled back');
    });
    await expect(rollback).rejects.toThrow(new RangeError('rolled back'));
    await service.find('1');
    expect(service.loads).toBe(1);
  });

  it('evicts at once where no transaction is open', async () => {
    const service = await open(new Transactions());
    await service.find('1');
    const changed = service.change('1', 2);
    service.commit();
    await changed;
    expect((await service.find('1')).value).toBe(2);
  });

  /*
   * 1 W changes the row in its transaction and the method returns, 2 R misses, or its load is under way, and reads the row as it was
   * before, 3 W commits, 4 R stores what it read. Evicting at 1 leaves the old value for its whole ttl; evicting after 3 voids the
   * load of R, whether it stores before or after.
   */
  it.each([
    ['change', 2],
    ['changeCarelessly', 1],
  ] as const)('a reader between %s and the commit leaves %i behind', async (method, left) => {
    const transactions = new Transactions();
    const service = await open(transactions);
    service.reading = gate();
    let reader: Promise<Row> | undefined;
    await transactions.around(async () => {
      await service[method]('1', 2);
      reader = service.find('1');
      await service.reading.arrived();
      service.commit();
    });
    service.reading.open();
    expect((await reader)?.value).toBe(1);
    expect((await service.find('1')).value).toBe(left);
  });

  it('takes savepoints by their outer transaction', async () => {
    const transactions = new Transactions();
    const service = await open(transactions);
    const ran: string[] = [];
    const note = (name: string): boolean => transactions.afterCommit(async () => void ran.push(name));

    await transactions.around(async () => {
      note('outer');
      await transactions.around(async () => note('released'));
      await transactions
        .around(async () => {
          note('undone');
          throw new Error('to the savepoint');
        })
        .catch(() => undefined);
      expect(ran).toEqual([]);
    });
    expect(ran).toEqual(['outer', 'released']);

    ran.length = 0;
    const failing = transactions.around(async () => {
      await transactions.around(async () => note('released, then undone'));
      throw new Error('all of it');
    });
    await expect(failing).rejects.toThrow('all of it');
    expect([ran, service.loads]).toEqual([[], 0]);
  });

  it('keeps transactions that run at the same time apart', async () => {
    const transactions = new Transactions();
    const service = await open(transactions);
    await Promise.all(['1', '2'].map((id) => service.find(id)));
    const [first, second] = [gate(), gate()];
    const one = transactions.around(async () => {
      await service.change('1', 2);
      await first.pass();
      throw new Error('rolled back');
    });
    const two = transactions.around(async () => {
      await service.change('2', 2);
      await second.pass();
    });
    await Promise.all([first.arrived(), second.arrived()]);
    first.open();
    await expect(one).rejects.toThrow('rolled back');
    second.open();
    await two;
    await Promise.all(['1', '2'].map((id) => service.find(id)));
    expect(service.loads).toBe(3);
  });

  it('takes work that outlives its transaction as being in none', async () => {
    const transactions = new Transactions();
    await open(transactions);
    const late = gate();
    const outcomes: Promise<boolean>[] = [];
    let ran = 0;
    const detached = async (): Promise<boolean> => {
      await late.pass();
      return transactions.afterCommit(async () => void ran++);
    };
    await transactions.around(async () => void outcomes.push(detached()));
    await transactions
      .around(async () => {
        outcomes.push(detached());
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    late.open();
    expect([await Promise.all(outcomes), ran]).toEqual([[false, false], 0]);
  });

  it('takes a hook of your own, and evicts at once when that throws', async () => {
    const waiting: (() => Promise<void>)[] = [];
    let broken = false;
    const service = await open({
      afterCommit(run: () => Promise<void>): void {
        if (broken) throw new Error('no connection');
        waiting.push(run);
      },
    });
    await service.find('1');
    await service.change('1', 2);
    await service.find('1');
    expect([service.loads, waiting.length]).toEqual([1, 2]);
    await Promise.all(waiting.map((run) => run()));
    await service.find('1');
    expect(service.loads).toBe(2);

    broken = true;
    await service.change('1', 3);
    await service.find('1');
    expect(service.loads).toBe(3);
    expect(notices.map(({ message }) => message)).toContainEqual(expect.stringContaining('afterCommit threw'));
  });

  it('logs work after a commit that fails, and hands on the result of the transaction', async () => {
    const transactions = new Transactions();
    const result = await transactions.around(async () => {
      transactions.afterCommit(async () => Promise.reject(new Error('too late to matter')));
      return 'committed';
    });
    expect(result).toBe('committed');
  });

  it('is refused at bootstrap without a hook, and so is what is no hook', async () => {
    const boot = (options: object): Promise<unknown> =>
      Test.createTestingModule({ imports: [CacheModule.forRoot({ namespace: 'test', ...options })], providers: [Rows] })
        .compile()
        .then((module) => module.init());
    await expect(boot({})).rejects.toThrow(/Rows\.change: @CacheEvict: phase 'afterCommit' needs/);
    await expect(boot({ transactions: {} })).rejects.toThrow(
      /transactions: expected an object with a method afterCommit/,
    );
  });
});
