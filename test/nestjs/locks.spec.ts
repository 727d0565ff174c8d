import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheEvict,
  CacheModule,
  createStrata,
  currentLease,
  LeaseLostError,
  Locked,
  LockService,
  LockTimeoutError,
  Strata,
  type Lease,
} from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock, gate, withStrata, type Gate } from '@strata-cache/nestjs/testing';
import { products as productCache, type Product } from './product.js';

/** How many run inside at once, and how many ran at all: what a lock is there to bound. */
class Section {
  most = 0;
  runs = 0;
  #inside = 0;

  async enter(): Promise<void> {
    this.runs++;
    this.most = Math.max(this.most, ++this.#inside);
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    this.#inside--;
  }
}

@Injectable()
class Orders {
  readonly section = new Section();
  readonly leases: (Lease | undefined)[] = [];
  readonly #prefix = 'shipped';

  @Locked({ key: (orderId) => `order:${orderId}`, ttl: '10s', wait: '2s' })
  async ship(orderId: string): Promise<string> {
    this.leases.push(currentLease());
    await this.section.enter();
    return `${this.#prefix} ${orderId}`;
  }
}

async function boot(...providers: any[]): Promise<TestingModule> {
  const testing = await Test.createTestingModule({ imports: [CacheTestingModule.forRoot()], providers }).compile();
  return testing.init();
}

describe('LockService', () => {
  it('is injectable and locks like the engine', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const held = await locks.acquire('k');
    expect(await locks.tryAcquire('k')).toBeNull();
    expect(await app.get(Strata).locks.tryAcquire('k')).toBeNull();
    await held.release();
    expect(await locks.withLock('k', (lease) => lease.key)).toBe('k');
    await using again = await locks.tryAcquire('k');
    expect(again?.token).toBeGreaterThan(held.token);
    expect(locks.stats()).toMatchObject({ held: 1, waiting: 0, granted: 3, refused: 2, lost: 0 });
    await app.close();
  });

  it('makes the lease of withLock the current one, the innermost first, and leaves none behind', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const seen: (string | undefined)[] = [];
    const note = (): void => void seen.push(currentLease()?.key);
    note();
    await locks.withLock('outer', async (outer) => {
      note();
      await locks.withLock('inner', async () => {
        await Promise.resolve();
        note();
      });
      note();
      expect(currentLease()).toBe(outer);
    });
    note();
    expect(seen).toEqual([undefined, 'outer', 'inner', 'outer', undefined]);
    await app.close();
  });

  it('keeps the leases of calls that run side by side apart', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const keys = ['a', 'b', 'c'];
    const seen = keys.map((key) =>
      locks.withLock(key, async () => {
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        return currentLease()?.key;
      }),
    );
    expect(await Promise.all(seen)).toEqual(keys);
    await app.close();
  });

  it('is no lease of work that outlives the lock; an outer one that is still held is', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const [late, done] = [gate(), gate()];
    const seen: (string | undefined)[] = [];
    let detached: Promise<unknown> = Promise.resolve();
    const look = async (): Promise<void> => {
      await late.pass();
      seen.push(currentLease()?.key);
      await done.pass();
      seen.push(currentLease()?.key);
    };
    await locks.withLock('outer', async () => {
      await locks.withLock('inner', () => void (detached = look()));
      late.open();
      await new Promise(setImmediate);
      expect(seen).toEqual(['outer']);
    });
    done.open();
    await detached;
    expect(seen).toEqual(['outer', undefined]);
    await app.close();
  });

  it('goes on as the current one when lost: it tells so', async () => {
    const app = await boot();
    const lost = await app
      .get(LockService)
      .withLock(
        'k',
        async () => {
          await app.get(FakeClock).advance(20_000);
          return currentLease()?.assertHeld();
        },
        { ttl: '10s', renew: false },
      )
      .catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(LeaseLostError);
    await app.close();
  });

  it('is released, and refuses, once the application has shut down', async () => {
    const app = await boot();
    const locks = app.get(LockService);
    const held = await locks.acquire('k');
    const waiting = locks.acquire('k', { wait: '60s' }).catch((error: unknown) => error);
    await app.close();
    expect(() => held.assertHeld()).toThrow(LeaseLostError);
    expect(await waiting).toMatchObject({ code: 'ERR_LOCK' });
    await expect(locks.acquire('k')).rejects.toMatchObject({ code: 'ERR_LOCK' });
  });

  it('refuses where the engine is a stand-in', async () => {
    const app = await Test.createTestingModule({ imports: [CacheModule.forRoot()] })
      .overrideProvider(Strata)
      .useValue({})
      .compile();
    let ran = false;
    const call = app.get(LockService).withLock('k', () => (ran = true));
    await expect(call).rejects.toThrow(/LockService: no lock service is here/);
    expect(ran).toBe(false);
    await app.close();
  });
});

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
      async evictOutside(id: string): Promise<void> {
        log.push(`evict ${currentLease()?.key}`);
      }
      @Locked({ key: (id) => `l:${id}` })
      @CacheEvict(productCache)
      async evictInside(id: string): Promise<void> {
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

describe('instances with locked methods', () => {
  it('of useFactory, useValue, useClass, transient and moduleRef.create() are all locked by one lock', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Orders {}
    const app = await boot(
      { provide: 'factory', useFactory: async () => new Orders() },
      { provide: 'value', useValue: new Orders() },
      { provide: 'class', useClass: Orders },
      { provide: 'made', scope: Scope.TRANSIENT, useFactory: () => new Orders() },
      Transient,
    );
    const all: Orders[] = [
      ...['factory', 'value', 'class'].map((token) => app.get<Orders>(token)),
      await app.resolve(Transient),
      await app.resolve<Orders>('made', ContextIdFactory.create()),
      await app.get(ModuleRef).create(Orders),
    ];
    const held = await app.get(LockService).acquire('order:1');
    const refused = Promise.allSettled(all.map(async (orders) => orders.ship('1')));
    await app.get(FakeClock).advance(2_000);
    const reasons = (await refused).map((result) => result.status === 'rejected' && result.reason);
    expect(reasons).toHaveLength(6);
    for (const reason of reasons) expect(reason).toBeInstanceOf(LockTimeoutError);
    await held.release();
    for (const orders of all) expect(await orders.ship('1')).toBe('shipped 1');
    await app.close();
  });

  it('of request scope are locked across requests', async () => {
    const runs: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(REQUEST) private readonly request: { name: string }) {}
      @Locked({ key: 'request', wait: 0 })
      async run(blocked: Gate): Promise<void> {
        runs.push(this.request.name);
        await blocked.pass();
      }
    }
    const app = await boot(PerRequest);
    const make = async (name: string): Promise<PerRequest> => {
      const context = ContextIdFactory.create();
      app.registerRequestByContextId({ name }, context);
      return app.resolve(PerRequest, context);
    };
    const blocked = gate();
    const first = (await make('first')).run(blocked);
    await expect((await make('second')).run(blocked)).rejects.toBeInstanceOf(LockTimeoutError);
    blocked.open();
    await first;
    await (await make('third')).run(blocked);
    expect(runs).toEqual(['first', 'third']);
    await app.close();
  });

  it('keep two applications in one process apart', async () => {
    const [first, second] = [await boot(Orders), await boot(Orders)];
    const held = await first.get(LockService).acquire('order:1');
    expect(await second.get(Orders).ship('1')).toBe('shipped 1');
    await held.release();
    await Promise.all([first.close(), second.close()]);
  });

  it('fail the boot where no engine reaches them, naming the class and the remedy', async () => {
    const remedy = /^Orders has locked methods, but no cache engine reaches it\. Add CacheModule\.forRoot\(\)/;
    for (const provider of [Orders, { provide: 'made', useFactory: () => new Orders() }]) {
      const testing = Test.createTestingModule({ providers: [provider] }).compile();
      await expect(testing.then(async (module) => module.init())).rejects.toThrow(remedy);
    }
    @Injectable({ scope: Scope.REQUEST })
    class Requested extends Orders {}
    const testing = Test.createTestingModule({ providers: [Requested] }).compile();
    await expect(testing.then(async (module) => module.init())).rejects.toThrow(/^Requested has locked methods/);
  });
});
