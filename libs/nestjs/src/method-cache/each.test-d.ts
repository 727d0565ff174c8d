import { applyDecorators } from '@nestjs/common';
import type { CacheDefinition } from '@strata-cache/core';
import { Cacheable } from './cacheable.js';

interface Product {
  id: string;
  name: string;
}
declare const products: CacheDefinition<[id: string], Product>;
declare const localized: CacheDefinition<[id: string, lang: string], Product>;
declare const home: CacheDefinition<[], Product[]>;

export class RightMany {
  @Cacheable(products, { each: true }) async a(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  @Cacheable(products, { each: true }) async b(ids: string[]): Promise<readonly (Product | undefined)[]> {
    return ids.map(() => undefined);
  }
  @Cacheable(products, { each: true }) async c(ids: ('x' | 'y')[], _signal?: AbortSignal): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  @Cacheable(localized, { each: true }) async d(keys: readonly [string, string][]): Promise<Product[]> {
    return keys.map(([id, name]) => ({ id, name }));
  }
  @Cacheable(products, { each: 'map' }) async e(ids: readonly string[]): Promise<Map<string, Product>> {
    return new Map(ids.map((id) => [id, { id, name: '' }]));
  }
  @Cacheable(products, { each: 'map', unless: (found, ids) => found.size < ids.length }) async f(
    ids: readonly ('x' | 'y')[],
  ): Promise<ReadonlyMap<'x' | 'y', Product | undefined>> {
    return new Map(ids.map((id) => [id, undefined]));
  }
  @Cacheable(localized, { each: true, args: (lang, ids) => ids.map((id) => [id, lang] as const) }) async g(
    lang: string,
    ids: string[],
  ): Promise<Product[]> {
    return ids.map((id) => ({ id, name: lang }));
  }
  @Cacheable(products, { each: true, args: (dtos) => dtos.map((dto) => dto.id), condition: (dtos) => dtos.length > 1 })
  async h(dtos: { id: string }[]): Promise<Product[]> {
    return dtos.map(({ id }) => ({ id, name: '' }));
  }
  @Cacheable(products, { each: 'map', args: (_lang, ids) => ids }) async i(
    _lang: string,
    ids: string[],
  ): Promise<Map<string, Product>> {
    return new Map(ids.map((id) => [id, { id, name: '' }]));
  }
  @Cacheable(products, { each: true }) async j(ids: readonly string[]) {
    return ids.map((id) => (id === '' ? undefined : { id, name: '' }));
  }
  @Cacheable(products, { each: false }) async k(id: string): Promise<Product> {
    return { id, name: '' };
  }
  @applyDecorators(Cacheable(products, { each: true })) async l(ids: string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
}

export class WrongMany {
  // @ts-expect-error one key
  @Cacheable(products, { each: true }) async a(id: string): Promise<Product[]> {
    return [{ id, name: '' }];
  }
  // @ts-expect-error keys of another type
  @Cacheable(products, { each: true }) async b(ids: readonly number[]): Promise<Product[]> {
    return ids.map((id) => ({ id: String(id), name: '' }));
  }
  // @ts-expect-error keys too wide
  @Cacheable(products, { each: true }) async c(ids: any[]): Promise<Product[]> {
    return ids as Product[];
  }
  // @ts-expect-error bare keys for a cache with two key arguments
  @Cacheable(localized, { each: true }) async d(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error one value
  @Cacheable(products, { each: true }) async e(ids: readonly string[]): Promise<Product> {
    return { id: ids[0], name: '' };
  }
  // @ts-expect-error a Map without saying so
  @Cacheable(products, { each: true }) async f(ids: readonly string[]): Promise<Map<string, Product>> {
    return new Map(ids.map((id) => [id, { id, name: '' }]));
  }
  // @ts-expect-error an array where a Map was promised
  @Cacheable(products, { each: 'map' }) async g(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error a Map by something else
  @Cacheable(products, { each: 'map' }) async h(ids: readonly string[]): Promise<Map<number, Product>> {
    return new Map(ids.map((id, index) => [index, { id, name: '' }]));
  }
  // @ts-expect-error null is no value of the cache
  @Cacheable(products, { each: true }) async i(ids: readonly string[]): Promise<(Product | null)[]> {
    return ids.map(() => null);
  }
  // @ts-expect-error the hit may be wider than the declared result
  @Cacheable(products, { each: true }) async j(ids: readonly string[]): Promise<(Product & { extra: 1 })[]> {
    return ids.map((id) => ({ id, name: '', extra: 1 }));
  }
  // @ts-expect-error data after the key
  @Cacheable(products, { each: true }) async k(ids: readonly string[], lang: string): Promise<Product[]> {
    return ids.map((id) => ({ id, name: lang }));
  }
  // @ts-expect-error args with one key
  @Cacheable(products, { each: true, args: (ids) => ids[0] }) async l(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error no array argument
  @Cacheable(products, { each: true, args: (dto) => dto.ids }) async m(dto: { ids: string[] }): Promise<Product[]> {
    return dto.ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error a cache with one entry
  @Cacheable(home, { each: true }) async n(ids: readonly string[]): Promise<Product[][]> {
    return ids.map(() => []);
  }
  // @ts-expect-error sync
  @Cacheable(products, { each: true }) o(ids: readonly string[]): Product[] {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error optional keys
  @Cacheable(products, { each: true }) async p(ids: readonly string[] = []): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error many keys without each
  @Cacheable(products) async q(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
  // @ts-expect-error a word that is no mode
  @Cacheable(products, { each: 'array' }) async r(ids: readonly string[]): Promise<Product[]> {
    return ids.map((id) => ({ id, name: '' }));
  }
}
