import 'reflect-metadata';
import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheEvict, CacheModule, defineCache, Strata, type Observer } from '@strata-cache/nestjs';
import { ChaosTier, FakeClock, sharedMemory } from '@strata-cache/nestjs/testing';

class Entity {
  constructor(readonly id: string) {}
}

const entities = defineCache<[id: string], Entity>({
  name: 'entity',
  version: 1,
  owner: 'Entities',
  key: (id) => id,
  ttl: '1m',
});

@Injectable()
class Entities {
  @Cacheable(entities)
  async find(id: string): Promise<Entity> {
    return new Entity(id);
  }
  @CacheEvict(entities, {
    tags: () => {
      throw new Error('callback');
    },
  })
  async save(id: string): Promise<string> {
    return id;
  }
}

/** As a class with private state, which members lose unless they are called on it. */
class Traces {
  readonly #seen: string[] = [];
  get seen(): readonly string[] {
    return this.#seen;
  }
  around<T>(operation: { readonly kind: string }, run: () => Promise<T>): Promise<T> {
    this.#seen.push(operation.kind);
    return run();
  }
}

describe('what the engine and the decorators have to say', () => {
  const warn = jest.spyOn(Logger.prototype, 'warn');
  const told = (): string[] => warn.mock.calls.map(([message]) => String(message));
  beforeEach(() => {
    warn.mockReset().mockImplementation(() => undefined);
  });
  afterAll(() => warn.mockRestore());

  async function boot(options: Parameters<typeof CacheModule.forRoot>[0]): Promise<TestingModule> {
    const app = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ clock: new FakeClock(), ...options })],
      providers: [Entities],
    }).compile();
    return app.init();
  }

  it('goes to the logger: a value refused, once, with the path and the remedy', async () => {
    const app = await boot({});
    await app.get(Entities).find('1');
    await app.get(Entities).find('1');
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/^value\.refused: cache "entity": the value was returned but not stored;.*hydrate/);
    await app.get(Entities).save('1');
    expect(told()).toHaveLength(2);
    expect(told()[1]).toMatch(/^Entities\.save: @CacheEvict could not invalidate after the method succeeded.*callback/);
    await app.close();
  });

  it('goes to the logger: a breaker that opens', async () => {
    const chaos = new ChaosTier(sharedMemory());
    const app = await boot({ l2: chaos });
    chaos.down();
    const cache = app.get(Strata).cache(entities);
    for (let time = 0; time < 50; time++) await cache.delete(String(time));
    expect(told().filter((message) => message.startsWith('l2.breaker.open: the second tier fails'))).toHaveLength(1);
    await app.close();
  });

  it('goes to the observer that was given, and not to the logger', async () => {
    const notices: string[] = [];
    const observer: Observer = { notice: ({ name, cache }) => notices.push(`${name} ${cache}`) };
    const app = await boot({ observer });
    await app.get(Entities).find('1');
    await app.get(Entities).save('1');
    expect(notices).toEqual(['value.refused entity', 'method.evict entity']);
    expect(told()).toEqual([]);
    await app.close();
  });

  it('goes to the logger where the observer takes no notices, which still sees the rest', async () => {
    const traces = new Traces();
    const app = await boot({ observer: traces });
    await app.get(Entities).find('1');
    expect(traces.seen).toContain('load');
    expect(told()).toHaveLength(1);
    await app.close();
  });

  it('refuses an observer that is none', async () => {
    await expect(boot({ observer: 'console' as never })).rejects.toThrow(/observer: expected an object/);
  });
});
