import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { CommandBus, CommandHandler, CqrsModule, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { CacheEvict, Cacheable, defineCache } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';

const prices = defineCache<[id: string], number>({
  name: 'price',
  version: 1,
  owner: 'Prices',
  key: (id) => id,
  ttl: '1m',
});

class FindPrice {
  constructor(readonly id: string) {}
}
class ChangePrice {
  constructor(readonly id: string) {}
}

@QueryHandler(FindPrice)
class FindPriceHandler {
  loads = 0;
  @Cacheable(prices, { args: (query) => query.id })
  async execute(query: FindPrice): Promise<number> {
    this.loads++;
    return query.id.length;
  }
}

@CommandHandler(ChangePrice)
class ChangePriceHandler {
  @CacheEvict(prices, { args: (command) => command.id })
  async execute(command: ChangePrice): Promise<string> {
    return command.id;
  }
}

describe('cached handlers of @nestjs/cqrs', () => {
  it('runs a query once, and again after a command that evicts', async () => {
    const app = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot(), CqrsModule.forRoot()],
      providers: [FindPriceHandler, ChangePriceHandler],
    }).compile();
    await app.init();
    const queries = app.get(QueryBus);
    expect(await queries.execute(new FindPrice('abc'))).toBe(3);
    expect(await queries.execute(new FindPrice('abc'))).toBe(3);
    expect(app.get(FindPriceHandler).loads).toBe(1);
    expect(await app.get(CommandBus).execute(new ChangePrice('abc'))).toBe('abc');
    expect(await queries.execute(new FindPrice('abc'))).toBe(3);
    expect(app.get(FindPriceHandler).loads).toBe(2);
    await app.close();
  });
});
