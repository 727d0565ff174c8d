import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import {
  AbstractGraphQLDriver,
  Args,
  Field,
  GraphQLModule,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  type GqlModuleOptions,
} from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { CacheEvict, Cacheable, defineCache } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';
import { graphql, type ExecutionResult, type GraphQLSchema } from 'graphql';

interface PriceRow {
  readonly id: string;
  readonly amount: number;
}

const prices = defineCache<[id: string], PriceRow>({
  name: 'price',
  version: 1,
  owner: 'PriceResolver',
  key: (id) => id,
  ttl: '1m',
});

@ObjectType()
class Price {
  @Field(() => String)
  id!: string;
  @Field(() => Number)
  amount!: number;
}

@Injectable()
class Deny implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Resolver(() => Price)
class PriceResolver {
  loads: string[] = [];

  @Cacheable(prices)
  @Query(() => Price)
  async above(@Args('id') id: string): Promise<PriceRow> {
    this.loads.push(`above ${id}`);
    return { id, amount: id.length };
  }

  @Query(() => Price, { nullable: true })
  @Cacheable({ ttl: '1m' })
  async below(@Args('id', { type: () => String }) id: string): Promise<PriceRow | null> {
    this.loads.push(`below ${id}`);
    return id === 'none' ? null : { id, amount: id.length };
  }

  @Cacheable({ ttl: '1m' })
  @UseGuards(Deny)
  @Query(() => Price)
  async denied(@Args('id') id: string): Promise<PriceRow> {
    return { id, amount: 0 };
  }

  @ResolveField(() => String)
  @Cacheable({ ttl: '1m', key: (price) => price.id })
  async label(@Parent() price: PriceRow): Promise<string> {
    this.loads.push(`label ${price.id}`);
    return `label of ${price.id}`;
  }

  @CacheEvict(prices)
  @Mutation(() => String)
  async change(@Args('id') id: string): Promise<string> {
    return id;
  }
}

let schema: GraphQLSchema;

/** A driver without a server: what Nest built is queried directly. */
class SchemaDriver extends AbstractGraphQLDriver {
  async start(options: GqlModuleOptions): Promise<void> {
    schema = options.schema as GraphQLSchema;
  }
  async stop(): Promise<void> {}
}

describe('cached resolvers of @nestjs/graphql', () => {
  let app: INestApplication;
  let resolver: PriceResolver;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [
        CacheTestingModule.forRoot(),
        GraphQLModule.forRoot({ driver: SchemaDriver as never, autoSchemaFile: true }),
      ],
      providers: [PriceResolver],
    }).compile();
    app = testing.createNestApplication({ logger: false });
    await app.init();
    resolver = app.get(PriceResolver);
  });
  afterAll(() => app.close());

  const run = (source: string): Promise<ExecutionResult> =>
    graphql({ schema, source, contextValue: { req: {} } }) as Promise<ExecutionResult>;

  it('runs queries and field resolvers once, and a query again after a mutation that evicts', async () => {
    const source = '{ above(id: "abc") { id amount label } below(id: "abc") { id } }';
    for (let time = 0; time < 2; time++) {
      const { data, errors } = await run(source);
      expect(errors).toBeUndefined();
      expect(JSON.parse(JSON.stringify(data))).toEqual({
        above: { id: 'abc', amount: 3, label: 'label of abc' },
        below: { id: 'abc' },
      });
    }
    expect(resolver.loads.toSorted()).toEqual(['above abc', 'below abc', 'label abc']);
    await run('mutation { change(id: "abc") }');
    await run(source);
    expect(resolver.loads.at(-1)).toBe('above abc');
    expect(resolver.loads).toHaveLength(4);
  });

  it('remembers null', async () => {
    resolver.loads = [];
    for (let time = 0; time < 2; time++) {
      expect((await run('{ below(id: "none") { id } }')).data).toEqual({ below: null });
    }
    expect(resolver.loads).toEqual(['below none']);
  });

  it('keeps guards', async () => {
    expect((await run('{ denied(id: "1") { id } }')).errors?.[0].message).toBe('Forbidden resource');
  });
});
