import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  ForbiddenException,
  Get,
  HttpCode,
  Injectable,
  InternalServerErrorException,
  NotFoundException,
  Param,
  ParseIntPipe,
  Put,
  Query,
  Req,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { BaseExceptionFilter, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CacheEvict, Cacheable, defineCache, Strata } from '@strata-cache/nestjs';
import { CacheTestingModule, gate } from '@strata-cache/nestjs/testing';
import { map, type Observable } from 'rxjs';
import request from 'supertest';

interface Product {
  readonly id: number;
  readonly name: string;
}

const productCache = defineCache<[id: number], Product>({
  name: 'product',
  version: 1,
  owner: 'ProductsController',
  key: (id) => id,
  ttl: '1m',
});

@Injectable()
class RoleGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    if (this.reflector.get<string>('role', context.getHandler()) === 'admin') throw new ForbiddenException();
    return true;
  }
}

@Injectable()
class UpperCase implements PipeTransform<unknown, unknown> {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const loosely: (...args: any[]) => any = Cacheable;

let refusal: string | undefined;
@Catch()
class KeepMessage extends BaseExceptionFilter {
  override catch(error: Error, host: ArgumentsHost): void {
    refusal = error.message;
    super.catch(new InternalServerErrorException(), host);
  }
}

@Controller('products')
class ProductsController {
  loads = 0;

  @Get(':id')
  @Cacheable(productCache)
  async find(@Param('id', ParseIntPipe) id: number): Promise<Product> {
    this.loads++;
    if (id === 404) throw new NotFoundException('no such product');
    return { id, name: `Product ${id}` };
  }

  @CacheEvict(productCache)
  @Put(':id')
  @HttpCode(204)
  async save(@Param('id', ParseIntPipe) _id: number): Promise<void> {}

  @Cacheable({ ttl: '1m', key: (name) => name })
  @Get('above/decorators')
  @UsePipes(UpperCase)
  @UseInterceptors(Wrap)
  async above(@Query('name') name: string): Promise<string> {
    this.loads++;
    return name;
  }

  @Get('secret/above')
  @UseGuards(RoleGuard)
  @SetMetadata('role', 'admin')
  @Cacheable({ ttl: '1m' })
  async secretAbove(): Promise<string> {
    return 'secret';
  }

  @Cacheable({ ttl: '1m' })
  @Get('secret/below')
  @UseGuards(RoleGuard)
  @SetMetadata('role', 'admin')
  async secretBelow(): Promise<string> {
    return 'secret';
  }

  @Get('raw/request')
  @UseFilters(KeepMessage)
  @loosely({ ttl: '1m' })
  async raw(@Req() _request: unknown): Promise<string> {
    return 'raw';
  }
}

let scopedLoads = 0;
@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  @Get(':id')
  @Cacheable(productCache)
  async find(@Param('id', ParseIntPipe) id: number): Promise<Product> {
    scopedLoads++;
    return { id, name: 'scoped' };
  }
}

const hosts = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

describe.each(Object.entries(hosts))('cached controllers on %s', (_name, adapter) => {
  let app: INestApplication;
  let controller: ProductsController;
  let server: ReturnType<INestApplication['getHttpServer']>;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot()],
      controllers: [ProductsController, ScopedController],
    }).compile();
    app = testing.createNestApplication(adapter() as never, { logger: false });
    await app.init();
    await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready?.();
    controller = app.get(ProductsController);
    server = app.getHttpServer();
  });
  afterAll(() => app.close());

  it('runs the handler once, and again after an eviction', async () => {
    controller.loads = 0;
    await request(server).get('/products/1').expect(200, { id: 1, name: 'Product 1' });
    await request(server).get('/products/1').expect(200, { id: 1, name: 'Product 1' });
    expect(controller.loads).toBe(1);
    await request(server).put('/products/1').expect(204);
    await request(server).get('/products/1').expect(200, { id: 1, name: 'Product 1' });
    expect(controller.loads).toBe(2);
  });

  it('lets an exception reach the client as itself, uncached', async () => {
    controller.loads = 0;
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await request(server).get('/products/404').expect(404);
      expect(response.body.message).toBe('no such product');
    }
    expect(controller.loads).toBe(2);
  });

  it('keeps pipes and interceptors that stand below it', async () => {
    controller.loads = 0;
    await request(server).get('/products/above/decorators?name=ann').expect(200, { data: 'ANN' });
    await request(server).get('/products/above/decorators?name=ann').expect(200, { data: 'ANN' });
    await request(server).get('/products/nan').expect(400);
    expect(controller.loads).toBe(1);
  });

  it('keeps guards and their metadata, above and below', async () => {
    await request(server).get('/products/secret/above').expect(403);
    await request(server).get('/products/secret/below').expect(403);
  });

  it('refuses the request as a key', async () => {
    await request(server).get('/products/raw/request').expect(500);
    expect(refusal).toMatch(/^ProductsController\.raw: @Cacheable: a request cannot be part of a key/);
  });

  it('caches request-scoped controllers across requests', async () => {
    scopedLoads = 0;
    await request(server).get('/scoped/7').expect(200, { id: 7, name: 'scoped' });
    await request(server).get('/scoped/7').expect(200, { id: 7, name: 'scoped' });
    expect(scopedLoads).toBe(1);
  });

  it('answers requests in flight at shutdown before the engine closes', async () => {
    const held = gate();
    @Controller('slow')
    class SlowController {
      @Get(':id')
      @Cacheable(productCache)
      async find(@Param('id', ParseIntPipe) id: number): Promise<Product> {
        await held.pass();
        return { id, name: 'slow' };
      }
    }
    const testing = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot()],
      controllers: [SlowController],
    }).compile();
    const slow = testing.createNestApplication(adapter() as never, { logger: false });
    await slow.listen(0, '127.0.0.1');
    const order: string[] = [];
    const strata = slow.get(Strata);
    const close = strata.close.bind(strata);
    strata.close = () => {
      order.push('engine closed');
      return close();
    };
    const answer = fetch(`${await slow.getUrl()}/slow/1`, { headers: { connection: 'close' } });
    await held.arrived();
    const closing = slow.close();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); // as far as it gets without the answer
    order.push('answering');
    held.open();
    expect(await (await answer).json()).toEqual({ id: 1, name: 'slow' });
    await closing;
    expect(order).toEqual(['answering', 'engine closed']);
  });
});
