import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import { CacheModule, Strata, defineCache, type Cache, type Notice } from '@strata-cache/nestjs';
import { CacheCqrsModule } from '@strata-cache/nestjs/cqrs';
import { CacheEventEmitterModule } from '@strata-cache/nestjs/event-emitter';

class PriceChanged {
  constructor(readonly id: string) {}
}

const priceCache = defineCache<[id: string], number>({
  name: 'price',
  version: 1,
  owner: 'Prices',
  key: (id) => id,
  ttl: '5m',
  invalidatedBy: {
    'price.changed': (e: PriceChanged) => ({ keys: [e.id] }),
    PriceChanged: (e: PriceChanged) => ({ keys: [e.id] }),
  },
});

let app: INestApplicationContext | undefined;
let notices: Notice[] = [];
afterEach(async () => app?.close());

async function start(...bridges: DynamicModule[]): Promise<Cache<[id: string], number>> {
  notices = [];
  const observer = { notice: (notice: Notice) => void notices.push(notice) };
  @Module({ imports: [CacheModule.forRoot({ namespace: 'bridges', observer }), ...bridges] })
  class AppModule {}
  app = await Test.createTestingModule({ imports: [AppModule] }).compile();
  await app.init();
  const prices = app.get(Strata).cache(priceCache);
  for (const id of ['1', '2']) await prices.set(id, 10);
  return prices;
}

describe('CacheEventEmitterModule', () => {
  const bridge = (): DynamicModule[] => [
    EventEmitterModule.forRoot(),
    CacheEventEmitterModule.forRoot({ caches: [priceCache] }),
  ];

  it('clears before emit returns, and emitAsync resolves once it is acknowledged', async () => {
    const prices = await start(...bridge());
    const emitter = app!.get(EventEmitter2);
    emitter.emit('price.changed', new PriceChanged('1'));
    expect([prices.peek('1'), prices.peek('2')]).toEqual([undefined, 10]);
    await emitter.emitAsync('price.changed', new PriceChanged('2'));
    expect(prices.peek('2')).toBeUndefined();
  });

  it('survives a payload nobody can read, and says so', async () => {
    const prices = await start(...bridge());
    const emitter = app!.get(EventEmitter2);
    await emitter.emitAsync('price.changed', undefined);
    await emitter.emitAsync('price.changed', { id: { evil: true } });
    expect(prices.peek('1')).toBe(10);
    expect(notices.map(({ name, cache }) => [name, cache])).toEqual([
      ['events.failed', 'price'],
      ['events.failed', 'price'],
    ]);
  });

  it('stops listening with the application', async () => {
    await start(...bridge());
    const emitter = app!.get(EventEmitter2);
    expect(emitter.listenerCount('price.changed')).toBe(1);
    await app!.close();
    expect(emitter.listenerCount('price.changed')).toBe(0);
    app = undefined;
  });
});

describe('CacheCqrsModule', () => {
  it('clears on events of the bus by the name of their class, before publish returns', async () => {
    const prices = await start(CqrsModule.forRoot(), CacheCqrsModule.forRoot({ caches: [priceCache] }));
    app!.get(EventBus).publish(new PriceChanged('1'));
    expect([prices.peek('1'), prices.peek('2')]).toEqual([undefined, 10]);
  });

  it('takes names from `nameOf`', async () => {
    const nameOf = (): string => 'price.changed';
    const prices = await start(CqrsModule.forRoot(), CacheCqrsModule.forRoot({ caches: [priceCache], nameOf }));
    app!.get(EventBus).publish(new (class Anonymous extends PriceChanged {})('2'));
    expect([prices.peek('1'), prices.peek('2')]).toEqual([10, undefined]);
  });

  it('refuses unknown options and what is no definition', () => {
    expect(() => CacheCqrsModule.forRoot({ caches: [priceCache], names: 1 } as never)).toThrow(
      /unknown option "names"/,
    );
    expect(() => CacheCqrsModule.forRoot({ caches: [undefined as never] })).toThrow(/defineCache/);
    expect(() => CacheEventEmitterModule.forRoot({ caches: [undefined as never] })).toThrow(/defineCache/);
    const other = defineCache<[], number>({ name: 'price', version: 1, owner: 'Somebody', ttl: '1m' });
    expect(() => CacheEventEmitterModule.forRoot({ caches: [priceCache, other] })).toThrow(
      /two definitions are named "price"/,
    );
  });
});
