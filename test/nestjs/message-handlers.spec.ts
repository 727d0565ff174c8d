import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { Test, type TestingModule } from '@nestjs/testing';
import { CacheEvict, Cacheable, defineCache } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';
import { firstValueFrom } from 'rxjs';

const prices = defineCache<[id: string], number>({
  name: 'price',
  version: 1,
  owner: 'Prices',
  key: (id) => id,
  ttl: '1m',
});

@Controller()
class PricesController {
  loads = 0;

  @MessagePattern('price.find')
  @Cacheable(prices)
  async find(@Payload() id: string): Promise<number> {
    this.loads++;
    return id.length;
  }

  @CacheEvict(prices, { args: (change) => change.id })
  @MessagePattern('price.change')
  async change(@Payload() change: { id: string }): Promise<string> {
    return change.id;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('cached message handlers over TCP', () => {
  let testing: TestingModule;
  let service: Awaited<ReturnType<TestingModule['createNestMicroservice']>>;
  let client: ClientProxy;

  beforeAll(async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    testing = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot()],
      controllers: [PricesController],
    }).compile();
    service = testing.createNestMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options });
    await service.listen();
    client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  });
  afterAll(async () => {
    await client.close();
    await service.close();
  });

  it('runs the handler once, and again after an eviction', async () => {
    const send = (pattern: string, payload: unknown): Promise<unknown> => firstValueFrom(client.send(pattern, payload));
    expect(await send('price.find', 'abc')).toBe(3);
    expect(await send('price.find', 'abc')).toBe(3);
    expect(testing.get(PricesController).loads).toBe(1);
    expect(await send('price.change', { id: 'abc' })).toBe('abc');
    expect(await send('price.find', 'abc')).toBe(3);
    expect(testing.get(PricesController).loads).toBe(2);
  });
});
