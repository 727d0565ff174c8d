import type { Cache, CacheOf } from './cache.js';
import { createStrata } from './create-strata.js';
import { defineCache } from './define-cache.js';
import type { EventName, EventPayload, InvalidatedBy } from './definition.js';
import type { CacheEntry } from './reading/inspect.js';
import type { Duration } from './duration.js';

interface Product {
  readonly id: string;
  readonly categoryId: string;
}

const product: Product = { id: '42', categoryId: 'c' };
const base = { name: 'a', version: 1, owner: 'x', ttl: '1m' } as const;
const byId = defineCache<[id: string], Product>({ ...base, key: (id) => id });
const byPair = defineCache<[id: string, lang: string], Product>({ ...base, key: (id, lang) => [id, lang] });
const single = defineCache<[], Product[]>(base);
const loading = defineCache({ ...base, key: (id: number) => id, load: async (_context, id) => `${id.toFixed()}` });
const negative = defineCache<[id: string], Product | null>({ ...base, key: (id) => id });

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where the two types are one. */
export function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}

interface Moved {
  readonly id: string;
  readonly from: string;
}
const cleared = defineCache({
  ...base,
  key: (id: string) => id,
  load: (_context, id) => id.length,
  invalidatedBy: { 'product.moved': (e: Moved) => ({ keys: [e.id, ['x']], tags: [`category:${e.from}`] }) },
});
same<CacheOf<typeof cleared>, Cache<[id: string], number>>();
same<EventName, string>();
same<EventName<{ moved: Moved }>, 'moved'>();
same<EventPayload<'moved', { moved: Moved }>, Moved>();
export const named: InvalidatedBy<[id: string], { moved: Moved }> = { moved: (e) => ({ keys: [e.id] }) };
// @ts-expect-error no such event
export const misnamed: InvalidatedBy<[id: string], { moved: Moved }> = { removed: () => undefined };

same<CacheOf<typeof byId>, Cache<[id: string], Product>>();
same<CacheOf<typeof loading>, Cache<[id: number], string>>();

export async function right(): Promise<void> {
  const strata = createStrata();
  const products = strata.cache(byId);
  const pairs = strata.cache(byPair);
  const home = strata.cache(single);
  const found = await products.get('42');
  same<typeof found, Product | undefined>();
  const loaded = await products.getOrSet('42', async (context, id) => {
    same<typeof id, string>();
    same<typeof context.stale, { readonly value: Product; readonly age: number } | undefined>();
    return product;
  });
  same<typeof loaded, Product>();
  const perhaps = await products.getOrSet(['42'], (): Product | undefined => undefined);
  same<typeof perhaps, Product | undefined>();
  const fresh = await pairs.fromSource(['42', 'en'], (_context, id, lang) => ({ id, categoryId: lang }));
  same<typeof fresh, Product>();
  await home.getOrSet([], ({ signal }) => (signal.aborted ? [] : [product]));
  const peeked = pairs.peek('42', 'en');
  same<typeof peeked, Product | undefined>();
  const entry = await home.entry();
  same<typeof entry, CacheEntry<Product[]> | undefined>();
  const list = await pairs.getMany([['42', 'en']]);
  same<typeof list, (Product | undefined)[]>();
  await products.getOrSetMany(['1', ['2']], (_context, missing) => new Map(missing.map(([id]) => [id, product])));
  await pairs.getOrSetMany([['1', 'en']], (_context, missing) => missing.map(([id]) => ({ id, categoryId: '' })));
  await products.setMany([
    ['1', product],
    [['2'], product],
  ]);
  await products.deleteMany(['1', ['2']]);
  await pairs.with({ ttl: '5m', grace: 0, tiers: ['l1'], forceRefresh: true }).delete('1', 'en');
  await strata.cache(negative).set('1', null, { ttl: 5_000, tags: ['t'], version: 1 });
  await strata.cache(loading).expire(7);
  const { acknowledged } = await home.clear({ mode: 'expire' });
  same<typeof acknowledged, boolean>();
}

export async function wrong(): Promise<void> {
  const strata = createStrata();
  const products = strata.cache(byId);
  const pairs = strata.cache(byPair);
  // @ts-expect-error a key of another type
  await products.get(42);
  // @ts-expect-error one argument too few
  await pairs.get('42');
  // @ts-expect-error two arguments beside a value are a tuple
  await pairs.set('42', product);
  // @ts-expect-error a value of another shape
  await products.set('42', { id: '42' });
  // @ts-expect-error null is no value of this cache
  await products.getOrSet('42', () => null);
  // @ts-expect-error the loader must give what the cache holds
  await products.getOrSet('42', () => 'text');
  // @ts-expect-error unknown call option
  await products.getOrSet('42', () => product, { jitter: 0.5 });
  // @ts-expect-error no unit
  products.with({ ttl: '5 minutes' });
  // @ts-expect-error only two tiers
  products.with({ tiers: ['l3'] });
  // @ts-expect-error unknown write option
  await products.set('42', product, { grace: '1m' });
  // @ts-expect-error unknown mode
  await products.clear({ mode: 'soft' });
  // @ts-expect-error peek is synchronous
  products.peek('42').then();
  // @ts-expect-error the cache of another key
  const other: Cache<[id: number], Product> = products;
  // @ts-expect-error a definition that does not say what it holds
  strata.cache(defineCache({ ...base, key: (id: string) => id }));
  // @ts-expect-error not built: absent
  defineCache<[], string>({ ...base, sliding: true });
  // @ts-expect-error keys of another type
  defineCache<[id: string], string>({ ...base, key: (id) => id, invalidatedBy: { moved: () => ({ keys: [42] }) } });
  // @ts-expect-error unknown member
  defineCache<[], string>({ ...base, invalidatedBy: { moved: () => ({ key: 'a' }) } });
  // @ts-expect-error a mapper is synchronous
  defineCache<[], string>({ ...base, invalidatedBy: { moved: async () => ({ allEntries: true }) } });
  // @ts-expect-error a key part must be a string, number, boolean or null
  defineCache<[at: Date], string>({ ...base, key: (at) => at });
  // @ts-expect-error no unit
  const wait: Duration = '5x';
  // @ts-expect-error unknown engine option
  createStrata({ ttl: wait, l1: undefined, other });
}
