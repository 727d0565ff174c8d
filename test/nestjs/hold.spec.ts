import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Cacheable, CacheConfigError, CacheEvict, createStrata, defineCache, type Strata } from '@strata-cache/nestjs';
import { ChaosTier, FakeClock, gate, sharedMemory, withStrata } from '@strata-cache/nestjs/testing';

interface Account {
  readonly id: string;
  readonly balance: number;
}

const accounts = defineCache<[id: string], Account>({
  name: 'account',
  version: 1,
  owner: 'Accounts',
  key: (id) => id,
  ttl: '1m',
  consistency: 'coherent',
  tags: (account) => [`balance:${account.balance}`],
});
const loosely: (...args: any[]) => any = CacheEvict;

class Accounts {
  reads = 0;
  writes = 0;
  balance = 0;
  held = gate();

  @Cacheable(accounts)
  async find(id: string): Promise<Account> {
    this.reads++;
    return { id, balance: this.balance };
  }

  @CacheEvict(accounts, { hold: true })
  async deposit(_id: string, amount: number): Promise<number> {
    this.writes++;
    await this.held.pass();
    if (amount < 0) throw new RangeError('mine');
    return (this.balance += amount);
  }

  @CacheEvict(accounts, {
    hold: '10s',
    args: (dto) => dto.id,
    tags: (_r, dto) => [`balance:${dto.old}`],
    condition: (dto) => dto.id !== 'kept',
  })
  async change(_dto: { id: string; old: number }): Promise<void> {
    this.writes++;
  }

  @loosely(accounts, { hold: true })
  plain(_id: string): any {
    return 5;
  }
}

describe('@CacheEvict with hold', () => {
  const opened: Strata[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((strata) => strata.close())));

  const engine = (chaos?: ChaosTier, clock = new FakeClock()): Strata => {
    const strata = createStrata({ namespace: 'test', clock, ...(chaos && { l2: chaos }) });
    opened.push(strata);
    return strata;
  };

  it.each(['in process', 'with a second tier'])(
    'keeps readers at the source while the method runs, %s',
    async (how) => {
      const memory = sharedMemory();
      const chaos = how === 'in process' ? undefined : new ChaosTier(memory);
      const strata = engine(chaos);
      const here = withStrata(new Accounts(), strata);
      const there = withStrata(new Accounts(), chaos === undefined ? strata : engine(new ChaosTier(memory)));
      await here.find('1');
      await there.find('1');
      const reads = there.reads;
      const writing = here.deposit('1', 5);
      await here.held.arrived();
      await there.find('1');
      await there.find('1');
      expect(there.reads).toBe(reads + 2);
      here.held.open();
      expect(await writing).toBe(5);
      there.balance = 5;
      expect((await there.find('1')).balance).toBe(5);
      await there.find('1');
      expect(there.reads).toBe(reads + 3);
      if (chaos) expect(chaos.calls).toMatchObject({ hold: 1, unhold: 1 });
    },
  );

  it('lifts the hold and passes the error on when the method fails', async () => {
    const accountsService = withStrata(new Accounts(), engine());
    accountsService.held.open();
    await expect(accountsService.deposit('1', -1)).rejects.toThrow(new RangeError('mine'));
    await accountsService.find('1');
    await accountsService.find('1');
    expect(accountsService.reads).toBe(1);
    await expect(accountsService.plain('1')).rejects.toThrow('Accounts.plain: @CacheEvict needs a method');
  });

  it('does not run the method when the hold cannot be taken', async () => {
    const chaos = new ChaosTier(sharedMemory());
    const service = withStrata(new Accounts(), engine(chaos));
    service.held.open();
    chaos.failNext('hold');
    await expect(service.deposit('1', 5)).rejects.toMatchObject({ code: 'ERR_CACHE_TIER' });
    expect(service.writes).toBe(0);
    expect(await service.deposit('1', 5)).toBe(5);
  });

  it('takes its key from args, and invalidates tags once the method is done', async () => {
    const chaos = new ChaosTier(sharedMemory());
    const service = withStrata(new Accounts(), engine(chaos));
    await service.find('1');
    await service.find('2');
    await service.change({ id: '1', old: 0 });
    await service.find('1');
    await service.find('2');
    expect(service.reads).toBe(4);
    expect(chaos.calls).toMatchObject({ hold: 1, unhold: 1 });
    await service.change({ id: 'kept', old: 0 });
    expect([service.writes, chaos.calls.hold]).toEqual([2, 1]);
  });

  it('runs out by itself after the time it was given', async () => {
    const chaos = new ChaosTier(sharedMemory());
    const clock = new FakeClock();
    const service = withStrata(new Accounts(), engine(chaos, clock));
    chaos.failNext('unhold'); // as if this process had died in between
    await service.change({ id: '1', old: 0 });
    await service.find('1');
    await clock.advance(9_000);
    await service.find('1');
    expect(service.reads).toBe(2);
    await clock.advance(1_000);
    await service.find('1');
    await service.find('1');
    expect(service.reads).toBe(3);
  });

  it('refuses, where it stands, what a hold excludes', () => {
    const apply = (options: object): void => {
      class Site {
        @loosely(accounts, options)
        async save(_id: string): Promise<void> {}
      }
      void Site;
    };
    const result = (): string[] => [];
    expect(() => apply({ hold: true, keys: result })).toThrow(/^Site\.save: @CacheEvict: 'hold'.*excludes 'keys'/);
    expect(() => apply({ hold: true, allEntries: true })).toThrow("excludes 'allEntries'");
    expect(() => apply({ hold: true, mode: 'expire' })).toThrow("excludes mode 'expire'");
    expect(() => apply({ hold: true, phase: 'before' })).toThrow("excludes 'phase'");
    expect(() => apply({ hold: true, tags: result })).toThrow(/'tags' alone names none\. Give 'args' as well/);
    expect(() => apply({ hold: 30 })).toThrow(/Site\.save: @CacheEvict: hold.*'30s'/);
    expect(() => apply({ hold: '0s' })).toThrow(/hold: expected a duration above 0/);
    expect(() => apply({ hold: 'long' })).toThrow(CacheConfigError);
    apply({ hold: false, phase: 'before' });
    apply({ hold: true, mode: 'delete', args: (id: string) => id });
  });

  it('passes through with plain new', async () => {
    const service = new Accounts();
    service.held.open();
    expect(await service.deposit('1', 5)).toBe(5);
  });
});
