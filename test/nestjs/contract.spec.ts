import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type Cache,
  Cacheable,
  CacheContract,
  CacheEvict,
  CacheModule,
  CachePut,
  defineCache,
  InjectCache,
  type Notice,
  Transactions,
} from '@strata-cache/nestjs';
import { CacheEventsModule } from '@strata-cache/nestjs/microservices';

interface Product {
  readonly id: string;
  readonly categoryId: string;
}

const products = defineCache<[id: string], Product>({
  name: 'product',
  version: 3,
  owner: 'Products',
  key: (id) => id,
  ttl: '5m',
  grace: '1h',
  negativeTtl: '10s',
  expectedHitRatio: 0.9,
  consistency: 'coherent',
  invalidatedBy: { 'product.removed': (e: { id: string }) => ({ keys: [e.id], tags: [`category:${e.id}`] }) },
});
const pages = defineCache<[categoryId: string, page: number], readonly Product[]>({
  name: 'page',
  version: 1,
  owner: 'Products',
  key: (categoryId, page) => [categoryId, page],
  ttl: '90s',
  tags: (page, categoryId) => [`category:${categoryId}`, ...page.map((product) => `product:${product.id}`)],
});
const home = defineCache<[], string>({ name: 'home', version: 1, owner: 'Home', ttl: '30s', load: () => 'home' });

@Injectable()
class Products {
  @Cacheable(products)
  async find(id: string): Promise<Product> {
    return { id, categoryId: 'a' };
  }

  @Cacheable(pages)
  async page(categoryId: string, _page: number): Promise<readonly Product[]> {
    return [{ id: '1', categoryId }];
  }

  @CachePut(products, { args: (id) => id })
  @CacheEvict(pages, { tags: (product) => [`product:${product.id}`], mode: 'expire', phase: 'afterCommit' })
  async change(id: string): Promise<Product> {
    return { id, categoryId: 'a' };
  }

  @CacheEvict(products)
  @CacheEvict(pages, { allEntries: true, phase: 'before' })
  async remove(_id: string): Promise<void> {}
}

@Injectable()
class Home {
  constructor(@InjectCache(home) readonly cache: Cache<[], string>) {}
}

const opened: INestApplicationContext[] = [];
afterEach(() => Promise.all(opened.splice(0).map((app) => app.close())));

async function boot(
  providers: any[],
  options: object = {},
  features: any[] = [],
): Promise<{ contract: CacheContract; notices: Notice[] }> {
  const notices: Notice[] = [];
  const module = await Test.createTestingModule({
    imports: [
      CacheModule.forRoot({
        namespace: 'test',
        transactions: new Transactions(),
        observer: { notice: (notice) => notices.push(notice) },
        ...options,
      }),
      CacheModule.forFeature(features),
      CacheEventsModule.forRoot({ caches: features }),
    ],
    providers,
  }).compile();
  opened.push(await module.init());
  return { contract: module.get(CacheContract), notices };
}

describe('CacheContract', () => {
  it('says of every cache what the code says', async () => {
    const { contract } = await boot([Products, Home], {}, [home, products, pages]);
    const [first, second, third] = contract.entries();
    expect([first.name, second.name, third.name]).toEqual(['home', 'page', 'product']);
    expect(first).toMatchObject({
      key: 'one entry',
      ttl: 30_000,
      tags: [],
      readBy: [
        { by: 'Home', how: 'injected' },
        { by: 'home', how: 'load' },
      ],
      clearedBy: [],
    });
    expect(second).toMatchObject({
      owner: 'Products',
      key: '[categoryId, page]',
      ttl: 90_000,
      grace: 0,
      tags: ['category:{categoryId}', 'product:{page[].id}'],
      tagsAreComplete: true,
      readBy: [{ by: 'Products.page', how: 'Cacheable' }],
    });
    expect(second.clearedBy).toEqual([
      {
        kind: 'method',
        by: 'Products.change',
        effect: 'expire',
        target: 'tags',
        what: ['product:{product.id}'],
        phase: 'afterCommit',
      },
      { kind: 'method', by: 'Products.remove', effect: 'delete', target: 'all', what: [], phase: 'before' },
      // Of another cache: tags are those of the namespace.
      {
        kind: 'event',
        by: 'product.removed',
        effect: 'delete',
        target: 'tags',
        what: ['category:{e.id}'],
        phase: undefined,
      },
    ]);
    expect(third).toMatchObject({
      version: 3,
      grace: 3_600_000,
      negativeTtl: 10_000,
      expectedHitRatio: 0.9,
      consistency: 'coherent',
      readBy: [
        { by: 'Products.change', how: 'CachePut' },
        { by: 'Products.find', how: 'Cacheable' },
      ],
      clearedBy: [
        { by: 'Products.change', effect: 'puts', target: 'key', what: ['id'] },
        { by: 'Products.remove', effect: 'delete', target: 'key', phase: 'afterReturn' },
        { by: 'product.removed', kind: 'event', target: 'key', what: ['e.id'] },
      ],
    });
  });

  it('is the same as JSON', async () => {
    const { contract } = await boot([Products, Home], {}, [home, products, pages]);
    const read = JSON.parse(JSON.stringify(contract)) as { caches: unknown[] };
    expect(read.caches).toEqual(JSON.parse(JSON.stringify(contract.entries())));
    expect(read.caches).toHaveLength(3);
  });

  it('is the same as a page with a diagram', async () => {
    const { contract } = await boot([Products, Home], {}, [home, products, pages]);
    const page = contract.toMarkdown();
    expect(contract.toMarkdown()).toBe(page);
    expect(page).toMatch(/\| \[product\]\(#product\) +\| Products +\| 3 +\| `id` +\| 5 min +\| 1 h +\| - +\| 90 %/);
    expect(page).toMatch(/\| event `product.removed` +\| delete +\| tag `category:\{e\.id\}` +\| - +\|/);
    const diagram = /```mermaid\n([^]*?)```/.exec(page)?.[1].trim().split('\n') ?? [];
    expect(diagram[0]).toBe('flowchart LR');
    const nodes = diagram.filter((line) => /^ {2}\w+(\[|\[\()/.test(line)).map((line) => /^ {2}(\w+)/.exec(line)?.[1]);
    const edges = diagram.slice(1).filter((line) => / (==>|-->|-\.->)/.test(line));
    // Everything an edge speaks of is there, and nothing stands alone.
    for (const edge of edges) {
      const [, from, to] = /^ {2}(\w+) (?:==>|-->|-\.->)(?:\|"[^"]*"\|)? (\w+)$/.exec(edge) ?? [];
      expect([nodes.includes(from), nodes.includes(to)]).toEqual([true, true]);
    }
    expect([new Set(nodes).size, edges.length, diagram.length]).toEqual([nodes.length, 9, 1 + nodes.length + 9]);
  });

  it('lets no name or tag break out of the page', async () => {
    const evil = defineCache<[], string>({
      name: 'evil',
      version: 1,
      owner: '<b>|`\n## Boo',
      ttl: '1s',
      tags: ['a|b"]; click c0 "javascript:x"', '`code`'],
    });
    @Injectable()
    class Evil {
      @CacheEvict(evil, { allEntries: true })
      async clear(): Promise<void> {}

      @CacheEvict(evil, { tags: () => ['a|b"]; click c0 "javascript:x"'] })
      async clearTags(): Promise<void> {}
    }
    const { contract } = await boot([Evil], { lint: 'off' }, [evil]);
    const page = contract.toMarkdown();
    expect(page).not.toMatch(/^## Boo/m);
    expect(/```mermaid\n([^]*?)```/.exec(page)?.[1]).not.toContain('"javascript');
    expect(page).not.toMatch(/[^\\]<b>/);
    const row = page.split('\n').find((line) => line.startsWith('| [evil]')) ?? '';
    expect(row.split(/(?<!\\)\|/)).toHaveLength(10);
  });

  it('leaves out the caches of the library itself', async () => {
    const { contract } = await boot([], {}, []);
    expect(contract.entries()).toEqual([]);
    expect(contract.toMarkdown()).toContain('flowchart LR');
  });
});
