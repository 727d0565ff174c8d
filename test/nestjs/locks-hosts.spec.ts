import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  NotFoundException,
  Param,
  ServiceUnavailableException,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { AbstractGraphQLDriver, Args, GraphQLModule, Query, Resolver, type GqlModuleOptions } from '@nestjs/graphql';
import { ClientProxyFactory, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import { currentLease, Locked, LockService, LockTimeoutError } from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock, gate } from '@strata-cache/nestjs/testing';
import { graphql, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

@Catch(LockTimeoutError)
class Busy extends BaseExceptionFilter {
  override catch(error: LockTimeoutError, host: ArgumentsHost): void {
    super.catch(new ServiceUnavailableException(error.message), host);
  }
}

@Injectable()
class Deny implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException();
  }
}

/** Who came in, under which lock. */
const seen: string[] = [];
const note = (who: string): string => {
  seen.push(`${who} ${currentLease()?.key}`);
  return who;
};

@Controller('orders')
@UseFilters(Busy)
class OrdersController {
  @Locked({ key: (id) => `order:${id}`, wait: 0 })
  @Get('above/:id')
  async above(@Param('id') id: string): Promise<string> {
    if (id === '404') throw new NotFoundException('no such order');
    return note(`above ${id}`);
  }

  @Get('below/:id')
  @Locked({ key: (id) => `order:${id}`, wait: 0 })
  async below(@Param('id') id: string): Promise<string> {
    return note(`below ${id}`);
  }

  @Locked({ key: 'secret' })
  @Get('secret')
  @UseGuards(Deny)
  async secret(): Promise<string> {
    return note('secret');
  }
}

@Controller()
class OrderMessages {
  @MessagePattern('order.ship')
  @Locked({ key: (id) => `order:${id}`, wait: 0 })
  async ship(@Payload() id: string): Promise<string> {
    return note(`message ${id}`);
  }
}

@Resolver()
class OrderResolver {
  @Query(() => String)
  @Locked({ key: (id) => `order:${id}`, wait: 0 })
  async order(@Args('id') id: string): Promise<string> {
    return note(`query ${id}`);
  }
}

@Injectable()
class Nightly {
  @Cron('0 0 3 1 1 *', { name: 'nightly' })
  @Locked({ key: 'nightly', wait: '1s' })
  async run(): Promise<void> {
    note('cron');
  }
}

let schema: GraphQLSchema;
class SchemaDriver extends AbstractGraphQLDriver {
  async start(options: GqlModuleOptions): Promise<void> {
    schema = options.schema as GraphQLSchema;
  }
  async stop(): Promise<void> {}
}

const heldBy = async (testing: TestingModule, key: string, run: () => Promise<void>): Promise<void> =>
  testing.get(LockService).withLock(key, run);

describe.each(['express', 'fastify'])('a locked controller over %s', (adapter) => {
  let testing: TestingModule;
  let app: INestApplication;
  beforeAll(async () => {
    testing = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot()],
      controllers: [OrdersController],
    }).compile();
    app =
      adapter === 'express'
        ? testing.createNestApplication(new ExpressAdapter(), { logger: false })
        : testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => app?.close());

  it('runs under the lock, above and below the route, with guards and the errors of its own', async () => {
    const http = request(app.getHttpServer());
    seen.length = 0;
    await http.get('/orders/above/1').expect(200, 'above 1');
    await http.get('/orders/below/1').expect(200, 'below 1');
    await http.get('/orders/above/404').expect(404);
    await http.get('/orders/secret').expect(403);
    expect(seen).toEqual(['above 1 order:1', 'below 1 order:1']);
    await heldBy(testing, 'order:1', async () => {
      for (const place of ['above', 'below']) {
        const { body } = await http.get(`/orders/${place}/1`).expect(503);
        expect(body.message).toContain('lock "order:1"');
      }
      await http.get('/orders/below/2').expect(200);
    });
    expect(seen).toEqual(['above 1 order:1', 'below 1 order:1', 'below 2 order:2']);
  });
});

it('a message handler runs under the lock', async () => {
  const options = { host: '127.0.0.1', port: await freePort() };
  const testing = await Test.createTestingModule({
    imports: [CacheTestingModule.forRoot()],
    controllers: [OrderMessages],
  }).compile();
  const service = testing.createNestMicroservice({ transport: Transport.TCP, options, logger: false });
  await service.listen();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  const ship = async (): Promise<unknown> => firstValueFrom(client.send('order.ship', '1'));
  seen.length = 0;
  expect(await ship()).toBe('message 1');
  await heldBy(testing, 'order:1', async () => {
    await expect(ship()).rejects.toMatchObject({ status: 'error' });
  });
  expect(seen).toEqual(['message 1 order:1']);
  await client.close();
  await service.close();
});

it('a GraphQL resolver runs under the lock', async () => {
  const testing = await Test.createTestingModule({
    imports: [
      CacheTestingModule.forRoot(),
      GraphQLModule.forRoot({ driver: SchemaDriver as never, autoSchemaFile: true }),
    ],
    providers: [OrderResolver],
  }).compile();
  const app = testing.createNestApplication({ logger: false });
  await app.init();
  const query = async (): Promise<ExecutionResult> =>
    (await graphql({ schema, source: '{ order(id: "1") }', contextValue: { req: {} } })) as ExecutionResult;
  seen.length = 0;
  expect((await query()).data).toEqual({ order: 'query 1' });
  await heldBy(testing, 'order:1', async () => {
    expect((await query()).errors?.[0].message).toContain('lock "order:1"');
  });
  expect(seen).toEqual(['query 1 order:1']);
  await app.close();
});

it('a scheduled job runs under the lock', async () => {
  const testing = await Test.createTestingModule({
    imports: [CacheTestingModule.forRoot(), ScheduleModule.forRoot()],
    providers: [Nightly],
  }).compile();
  await testing.init();
  seen.length = 0;
  const job = testing.get(SchedulerRegistry).getCronJob('nightly');
  const blocked = gate();
  const holding = heldBy(testing, 'nightly', async () => blocked.pass());
  await job.fireOnTick();
  await testing.get(FakeClock).advance(500);
  expect(seen).toEqual([]);
  blocked.open();
  await holding;
  await eventually(() => seen.length === 1, { what: 'the job had its turn' });
  expect(seen).toEqual(['cron nightly']);
  await testing.close();
});
