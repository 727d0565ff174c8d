import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  Cacheable,
  CacheEvict,
  createStrata,
  currentLease,
  LeaseLostError,
  Locked,
  LockService,
  LockTimeoutError,
} from '@strata-cache/nestjs';
import { FakeClock, withStrata } from '@strata-cache/nestjs/testing';
import { boot, Orders } from './locks-orders.js';
import { products as productCache, type Product } from './product.js';

describe('@Locked', () => {
  it('lets one in at a time, each with a lease of its own and a rising token', async () => {
    const app = await boot(Orders);
    const orders = app.get(Orders);
    const shipped = await Promise.all(Array.from({ length: 20 }, async () => orders.ship('1')));
    expect(new Set(shipped)).toEqual(new Set(['shipped 1']));
    expect([orders.section.most, orders.section.runs]).toEqual([1, 20]);
    const tokens = orders.leases.map((lease) => lease?.token ?? 0n);
    for (let index = 1; index < tokens.length; index++) expect(tokens[index]).toBeGreaterThan(tokens[index - 1]);
    expect(new Set(orders.leases.map((lease) => lease?.key))).toEqual(new Set(['order:1']));
    expect(currentLease()).toBeUndefined();
    await app.close();
  });

  it('does not hold up other keys', async () => {
    const app = await boot(Orders);
    const orders = app.get(Orders);
    await Promise.all(['1', '2', '3'].map(async (id) => orders.ship(id)));
    expect(orders.section.most).toBe(3);
    await app.close();
  });

  it('shares its locks with LockService, and times out by name without running the method', async () => {
    const app = await boot(Orders);
    const held = await app.get(LockService).acquire('order:1');
    const call = app
      .get(Orders)
      .ship('1')
      .catch((error: unknown) => error);
    await app.get(FakeClock).advance(1_999);
    expect(app.get(Orders).section.runs).toBe(0);
    await app.get(FakeClock).advance(1);
    const error = await call;
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(String(error)).toContain('"order:1"');
    expect(app.get(Orders).section.runs).toBe(0);
    await held.release();
    expect(await app.get(Orders).ship('1')).toBe('shipped 1');
    await app.close();
  });

  it('refuses with plain new, at every call', async () => {
    const orders = new Orders();
    for (let call = 0; call < 2; call++) {
      await expect(orders.ship('1')).rejects.toThrow(/Orders\.ship: @Locked: no lock service is here/);
    }
    await expect(orders.ship('1')).rejects.toMatchObject({ code: 'ERR_CACHE_CONFIG' });
    expect(orders.section.runs).toBe(0);
    expect(Reflect.ownKeys(orders)).toEqual(['section', 'leases']);
  });

  it('refuses where the engine is a stand-in, as useMocker() brings', async () => {
    const app = await Test.createTestingModule({ providers: [Orders] })
      .useMocker(() => ({}))
      .compile();
    await expect(app.get(Orders).ship('1')).rejects.toThrow(/no lock service/);
    expect(app.get(Orders).section.runs).toBe(0);
    await app.close();
  });

  it('locks with plain new and withStrata', async () => {
    const strata = createStrata({ clock: new FakeClock() });
    const [first, second] = [withStrata(new Orders(), strata), withStrata(new Orders(), strata)];
    expect(await Promise.all([first.ship('1'), second.ship('1')])).toEqual(['shipped 1', 'shipped 1']);
    expect(second.leases[0]?.token).toBeGreaterThan(first.leases[0]?.token ?? 0n);
    await strata.close();
  });

  it("passes on the method's own error, also when the lease was lost meanwhile", async () => {
    const clock = new FakeClock();
    class Failing {
      @Locked({ key: 'k', ttl: '10s', renew: false })
      async run(ms: number): Promise<void> {
        await clock.advance(ms);
        throw new RangeError('mine');
      }
      @Locked({ key: 'k', ttl: '10s', renew: false })
      async slow(ms: number): Promise<boolean> {
        await clock.advance(ms);
        return currentLease()?.signal.aborted ?? false;
      }
    }
    const strata = createStrata({ clock });
    const failing = withStrata(new Failing(), strata);
    await expect(failing.run(0)).rejects.toThrow(RangeError);
    await expect(failing.run(20_000)).rejects.toThrow(RangeError);
    expect(await failing.slow(9_000)).toBe(false);
    const lost: unknown = await failing.slow(20_000).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(LeaseLostError);
    expect(String(lost)).toContain('"k"');
    await strata.close();
  });

  it('enters a lock it holds already only with the option', async () => {
    class Nested {
      @Locked({ key: 'k', wait: 0, reentrant: true })
      async outer(inner: 'again' | 'anew'): Promise<(bigint | undefined)[]> {
        return [currentLease()?.token, ...(await this[inner]())];
      }
      @Locked({ key: 'k', wait: 0, reentrant: true })
      async again(): Promise<(bigint | undefined)[]> {
        return [currentLease()?.token];
      }
      @Locked({ key: 'k', wait: 0 })
      async anew(): Promise<(bigint | undefined)[]> {
        return [];
      }
    }
    const strata = createStrata({ clock: new FakeClock() });
    const nested = withStrata(new Nested(), strata);
    const tokens = await nested.outer('again');
    expect(tokens).toEqual([tokens[0], tokens[0]]);
    expect(typeof tokens[0]).toBe('bigint');
    await expect(nested.outer('anew')).rejects.toBeInstanceOf(LockTimeoutError);
    expect(await nested.again()).toHaveLength(1); // neither left it locked
    await strata.close();
  });

  it('waits no longer than the signal picked from the arguments allows', async () => {
    class Jobs {
      @Locked({ key: 'job', wait: '60s', signal: (signal) => signal })
      async run(_signal?: AbortSignal): Promise<string> {
        return 'done';
      }
    }
    const strata = createStrata({ clock: new FakeClock() });
    const jobs = withStrata(new Jobs(), strata);
    expect(await jobs.run()).toBe('done');
    const held = await strata.locks.acquire('job');
    const abort = new AbortController();
    const waiting = jobs.run(abort.signal);
    abort.abort(new Error('nobody waits'));
    await expect(waiting).rejects.toThrow('nobody waits');
    await held.release();
    expect(await jobs.run()).toBe('done');
    await strata.close();
  });

  it('stacks with the cache in either order', async () => {
    const log: string[] = [];
    class Stacked {
      @Locked({ key: (id) => `l:${id}` })
      @Cacheable(productCache)
      async lockedOutside(id: string): Promise<Product> {
        log.push(`${currentLease()?.key}`);
        return { id, name: 'x' };
      }
      @Cacheable({ ttl: '1m', key: (id) => id })
      @Locked({ key: (id) => `l:${id}` })
      async lockedInside(id: string): Promise<number> {
        log.push(`${currentLease()?.key}`);
        return id.length;
      }
      @CacheEvict(productCache)
      @Locked({ key: (id) => `l:${id}` })
      async evictOutside(_id: string): Promise<void> {
        log.push(`evict ${currentLease()?.key}`);
      }
      @Locked({ key: (id) => `l:${id}` })
      @CacheEvict(productCache)
      async evictInside(_id: string): Promise<void> {
        log.push(`evict ${currentLease()?.key}`);
      }
    }
    const strata = createStrata({ clock: new FakeClock() });
    const stacked = withStrata(new Stacked(), strata);
    for (let call = 0; call < 3; call++) {
      await stacked.lockedOutside('1');
      await stacked.lockedInside('1');
    }
    expect(log).toEqual(['l:1', 'l:1']);
    await stacked.evictOutside('1');
    await stacked.lockedOutside('1');
    await stacked.evictInside('1');
    await stacked.lockedOutside('1');
    expect(log.slice(2)).toEqual(['evict l:1', 'l:1', 'evict l:1', 'l:1']);
    const held = await strata.locks.acquire('l:1');
    expect(await stacked.lockedInside('1')).toBe(1); // a hit needs no lock
    await held.release();
    await strata.close();
  });

  it('is inherited, and an override calls the locked method of its base', async () => {
    class Special extends Orders {
      override async ship(orderId: string): Promise<string> {
        return `${await super.ship(orderId)}, specially`;
      }
    }
    class Plain extends Orders {}
    const app = await boot(Special, Plain);
    expect(await app.get(Special).ship('1')).toBe('shipped 1, specially');
    const held = await app.get(LockService).acquire('order:1');
    const results = Promise.allSettled([app.get(Special).ship('1'), app.get(Plain).ship('1')]);
    await app.get(FakeClock).advance(2_000);
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await held.release();
    await app.close();
  });
});
