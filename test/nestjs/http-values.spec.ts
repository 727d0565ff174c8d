import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Injectable,
  NotFoundException,
  Param,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheEvict, defineCache, hydrateAs, Strata } from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock } from '@strata-cache/nestjs/testing';
import { Exclude } from 'class-transformer';
import { map, type Observable } from 'rxjs';
import request from 'supertest';

interface Product {
  readonly id: string;
  readonly tags: string[];
}

const base = { version: 1, owner: 'ValuesController', ttl: '1m', key: (id: string) => id } as const;
const products = defineCache<[id: string], Product>({ ...base, name: 'product' });
const nullable = defineCache<[id: string], Product | null>({ ...base, name: 'nullable' });
const asked = defineCache<[id: string], Product>({
  ...base,
  name: 'asked',
  negativeTtl: '10s',
  negativeErrors: (error) => error instanceof NotFoundException,
});

class User {
  constructor(
    readonly id: string,
    readonly name: string,
    secret: string,
  ) {
    this.secret = secret;
  }
  @Exclude()
  secret: string;
  greet(): string {
    return `I am ${this.name}`;
  }
}
const users = defineCache<[id: string], User>({ ...base, name: 'user', hydrate: hydrateAs(User) });

/** Does what must not be done: changes what the handler returned. */
@Injectable()
class Mutating implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((product: { tags: string[] }) => {
        product.tags.push('mutated');
        return product;
      }),
    );
  }
}

@Controller()
class ValuesController {
  loads = 0;

  @Get('error/:id')
  @Cacheable(products)
  async error(@Param('id') id: string): Promise<Product> {
    this.loads++;
    throw new NotFoundException({ reason: 'unknown', id });
  }

  @Get('asked/:id')
  @Cacheable(asked)
  async asked(@Param('id') id: string): Promise<Product> {
    this.loads++;
    throw new NotFoundException({ reason: 'unknown', id });
  }

  @CacheEvict(asked)
  @Get('created/:id')
  async created(@Param('id') id: string): Promise<string> {
    return id;
  }

  @Get('null/:id')
  @Cacheable(nullable)
  async none(@Param('id') _id: string): Promise<Product | null> {
    this.loads++;
    return null;
  }

  @Get('undefined/:id')
  @Cacheable(products)
  async absent(@Param('id') _id: string): Promise<Product | undefined> {
    this.loads++;
    return undefined;
  }

  @Get('frozen/:id')
  @Cacheable(products)
  async frozen(@Param('id') id: string): Promise<Product> {
    this.loads++;
    return { id, tags: ['a'] };
  }

  @Get('mutated/:id')
  @UseInterceptors(Mutating)
  @Cacheable(products)
  async mutated(@Param('id') id: string): Promise<Product> {
    this.loads++;
    return { id, tags: ['a'] };
  }

  @Get('user/:id')
  @UseInterceptors(ClassSerializerInterceptor)
  @Cacheable(users)
  async user(@Param('id') id: string): Promise<User> {
    this.loads++;
    return new User(id, 'ann', 'hidden');
  }
}

const hosts = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

describe.each(Object.entries(hosts))('values of cached controllers on %s', (_name, adapter) => {
  let app: INestApplication;
  let controller: ValuesController;
  let server: ReturnType<INestApplication['getHttpServer']>;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot()],
      controllers: [ValuesController],
    }).compile();
    app = testing.createNestApplication(adapter() as never, { logger: false });
    await app.init();
    await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready?.();
    controller = app.get(ValuesController);
    server = app.getHttpServer();
  });
  beforeEach(async () => {
    controller.loads = 0;
    await app.get(Strata).clear();
  });
  afterAll(() => app.close());

  /** The answer of a miss and that of the next request. */
  const twice = async (path: string, status: number): Promise<readonly [any, any]> => {
    const first = await request(server).get(path).expect(status);
    const second = await request(server).get(path).expect(status);
    expect(second.text).toBe(first.text);
    expect(second.headers['content-type']).toBe(first.headers['content-type']);
    return [first, second];
  };

  it('does not remember a thrown NotFoundException', async () => {
    const [first] = await twice('/error/1', 404);
    expect(first.body).toEqual({ reason: 'unknown', id: '1' });
    expect(controller.loads).toBe(2);
  });

  it('remembers it where negativeErrors asks, for negativeTtl and until an eviction', async () => {
    const [, second] = await twice('/asked/1', 404);
    expect(second.body).toEqual({ reason: 'unknown', id: '1' });
    expect(controller.loads).toBe(1);
    await request(server).get('/created/1').expect(200);
    await twice('/asked/1', 404);
    expect(controller.loads).toBe(2);
    await app.get(FakeClock).advance(10_000);
    await twice('/asked/1', 404);
    expect(controller.loads).toBe(3);
  });

  it('remembers null, and answers with the same', async () => {
    await twice('/null/1', 200);
    expect(controller.loads).toBe(1);
  });

  it('does not remember undefined', async () => {
    await twice('/undefined/1', 200);
    expect(controller.loads).toBe(2);
  });

  it('answers frozen values, which an interceptor cannot change for the next reader', async () => {
    const [first] = await twice('/frozen/1', 200);
    expect(first.body).toEqual({ id: '1', tags: ['a'] });
    for (const id of ['1', '2']) await request(server).get(`/mutated/${id}`).expect(500);
    expect((await request(server).get('/frozen/2').expect(200)).body).toEqual({ id: '2', tags: ['a'] });
    const after = await request(server).get('/frozen/1').expect(200);
    expect(after.body).toEqual({ id: '1', tags: ['a'] });
    expect(controller.loads).toBe(2);
    expect(() => app.get(Strata).cache(products).peek('1')?.tags.push('mine')).toThrow(TypeError);
  });

  it('answers hydrated entities without the fields they exclude', async () => {
    const [first] = await twice('/user/1', 200);
    expect(first.body).toEqual({ id: '1', name: 'ann' });
    expect(controller.loads).toBe(1);
    const user = await app.get(Strata).cache(users).get('1');
    expect(user?.greet()).toBe('I am ann');
    if (user) user.secret = 'changed';
    expect((await app.get(Strata).cache(users).get('1'))?.secret).toBe('hidden');
  });
});
