import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Locked, LockService, LockTimeoutError } from '@strata-cache/nestjs';
import { FakeClock, gate, type Gate } from '@strata-cache/nestjs/testing';
import { boot, Orders } from './locks-orders.js';

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
