import { applyDecorators } from '@nestjs/common';
import type { CacheDefinition } from '@strata-cache/core';
import type { Observable } from 'rxjs';
import { CacheEvict } from './cache-evict.js';
import { CachePut } from './cache-put.js';
import { Cacheable } from './cacheable.js';

interface Product {
  id: string;
  name: string;
}
interface User {
  id: string;
}
declare const products: CacheDefinition<[id: string], Product>;
declare const localized: CacheDefinition<[id: string, lang: string], Product>;
declare const home: CacheDefinition<[], Product[]>;
declare const byDto: CacheDefinition<[dto: { id: string; page?: number }], Product>;

export class Right {
  @Cacheable(products) async a(id: string): Promise<Product> {
    return { id, name: '' };
  }
  @Cacheable(products) async a2(id: string): Promise<Product | undefined> {
    return { id, name: '' };
  }
  @Cacheable(localized) async b(id: string, lang: string): Promise<Product> {
    return { id, name: lang };
  }
  @Cacheable(home) async c(): Promise<Product[]> {
    return [];
  }
  @Cacheable(byDto) async d(dto: { id: string }): Promise<Product> {
    return { id: dto.id, name: '' };
  }
  @Cacheable(products, { args: (dto) => dto.id }) async e(dto: { id: string }): Promise<Product> {
    return { id: dto.id, name: '' };
  }
  @Cacheable(products, { args: (id) => [id], unless: (r, id) => r.name === id, condition: (id, _lang) => id !== '' })
  async f(id: string, _lang: string): Promise<Product> {
    return { id, name: '' };
  }
  @Cacheable(products) async g(id: string, _signal: AbortSignal): Promise<Product> {
    return { id, name: '' };
  }
  @Cacheable(products) async h(id: string, _signal?: AbortSignal): Promise<Product> {
    return { id, name: '' };
  }
  @Cacheable(products) async i(id: 'x' | 'y') {
    return { id: id as string, name: '' };
  }
  @Cacheable({ ttl: '1m' }) async j(id: string): Promise<number> {
    return id.length;
  }
  @Cacheable({
    ttl: '1m',
    key: (dto) => dto.id,
    unless: (r, dto) => r > dto.id.length,
    tags: (r, dto) => [`${r.toFixed()}${dto.id}`],
  })
  async k(dto: { id: string }): Promise<number> {
    return dto.id.length;
  }
  @Cacheable({ ttl: '1m' }) async l(): Promise<number> {
    return 1;
  }
  @CacheEvict(products) async m(id: string, name: string): Promise<void> {
    void id;
    void name;
  }
  @CacheEvict(products, { args: (dto) => dto.id }) async n(dto: { id: string }): Promise<void> {
    void dto;
  }
  @CacheEvict(products, { keys: (r, dto) => [r.id, dto.id], tags: (r) => [r.name], mode: 'expire' }) async o(dto: {
    id: string;
  }): Promise<Product> {
    return { id: dto.id, name: '' };
  }
  @CacheEvict(products, { allEntries: true }) async p(): Promise<void> {}
  @CachePut(products) async q(id: string, name: string): Promise<Product> {
    return { id, name };
  }
  @CachePut(products, { args: (dto) => dto.id, value: (r, dto) => ({ ...r, name: dto.id }) }) async r(dto: {
    id: string;
  }): Promise<{ id: string }> {
    return dto;
  }
  @CacheEvict(products) @CachePut(localized) async s(id: string, lang: string): Promise<Product> {
    return { id, name: lang };
  }
  @Cacheable(products, { args: (t) => String(t) }) async generic<T extends { id: string }>(t: T): Promise<Product> {
    return { id: t.id, name: '' };
  }
  @applyDecorators(Cacheable(products)) async u(id: string): Promise<Product> {
    return { id, name: '' };
  }
  @Cacheable(localized, { args: (id, lang) => [id, lang] }) async v(
    id: string,
    lang: string,
    _user: User,
  ): Promise<Product> {
    return { id, name: lang };
  }
}

export class Wrong {
  // @ts-expect-error key argument of another type
  @Cacheable(products) async a(id: number): Promise<Product> {
    return { id: String(id), name: '' };
  }
  // @ts-expect-error optional
  @Cacheable(products) async b(id?: string): Promise<Product> {
    return { id: id ?? '', name: '' };
  }
  // @ts-expect-error too wide
  @Cacheable(products) async c(id: string | number): Promise<Product> {
    return { id: String(id), name: '' };
  }
  // @ts-expect-error too few
  @Cacheable(localized) async d(id: string): Promise<Product> {
    return { id, name: '' };
  }
  // @ts-expect-error null is no value of the cache
  @Cacheable(products) async e(id: string): Promise<Product | null> {
    return { id, name: '' };
  }
  // @ts-expect-error sync
  @Cacheable(products) f(id: string): Product {
    return { id, name: '' };
  }
  // @ts-expect-error void
  @Cacheable(products) async g(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error Observable
  @Cacheable(products) h(id: string): Observable<Product> {
    return id as never;
  }
  // @ts-expect-error data after the key
  @Cacheable(products) async i(id: string, lang: string): Promise<Product> {
    return { id, name: lang };
  }
  // @ts-expect-error data after the key
  @Cacheable(products) async j(id: string, user: User): Promise<Product> {
    return { id, name: user.id };
  }
  // @ts-expect-error optional data after the key
  @Cacheable(products) async k(id: string, options?: { full: boolean }): Promise<Product> {
    return { id, name: String(options) };
  }
  // @ts-expect-error rest data after the key
  @Cacheable(products) async l(id: string, ...rest: string[]): Promise<Product> {
    return { id, name: String(rest) };
  }
  // @ts-expect-error unknown option
  @Cacheable(products, { hold: true }) async m(id: string): Promise<Product> {
    return { id, name: '' };
  }
  // @ts-expect-error unknown option beside a known one
  @Cacheable(products, { args: (id) => id, hold: true }) async n(id: string): Promise<Product> {
    return { id, name: '' };
  }
  // @ts-expect-error args of another type
  @Cacheable(products, { args: (dto) => dto.id }) async o(dto: { id: number }): Promise<Product> {
    return { id: String(dto.id), name: '' };
  }
  // @ts-expect-error data after the key (no key)
  @Cacheable(home) async p(lang: string): Promise<Product[]> {
    return [{ id: '', name: lang }];
  }
  // @ts-expect-error inline key needed
  @Cacheable({ ttl: '1m' }) async q(dto: { id: string }): Promise<number> {
    return dto.id.length;
  }
  // @ts-expect-error inline, optional argument
  @Cacheable({ ttl: '1m' }) async r(id?: string): Promise<number> {
    return String(id).length;
  }
  // @ts-expect-error inline, unknown option
  @Cacheable({ ttl: '1m', hold: true }) async s(id: string): Promise<number> {
    return id.length;
  }
  // @ts-expect-error no such phase
  @CacheEvict(products, { phase: 'afterwards' }) async t(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error evict: wrong key
  @CacheEvict(products) async u(id: number): Promise<void> {
    void id;
  }
  // @ts-expect-error evict: sync
  @CacheEvict(products) v(id: string): void {
    void id;
  }
  // @ts-expect-error evict: wrong key in args
  @CacheEvict(products, { args: (dto) => dto.id }) async w(dto: { id: number }): Promise<void> {
    void dto;
  }
  // @ts-expect-error put: nothing to store
  @CachePut(products) async x(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error put: wrong value
  @CachePut(products) async y(id: string): Promise<{ id: string }> {
    return { id };
  }
  // @ts-expect-error put: wrong value from value
  @CachePut(products, { value: (r) => r.id }) async z(id: string): Promise<Product> {
    return { id, name: '' };
  }
  // @ts-expect-error put: created rows have no key before
  @CachePut(products) async z1(dto: { name: string }): Promise<Product> {
    return { id: '', name: dto.name };
  }
  // @ts-expect-error too wide: any
  @Cacheable(products) async z2(id: string, anything: any): Promise<Product> {
    return { id, name: anything };
  }
  // @ts-expect-error too wide: unknown
  @Cacheable(products) async z3(id: unknown): Promise<Product> {
    return { id: String(id), name: '' };
  }
  // @ts-expect-error the hit may be wider than the declared result
  @Cacheable(products) async z4(id: string): Promise<Product & { extra: 1 }> {
    return { id, name: '', extra: 1 };
  }
  // @ts-expect-error each is no option of the inline form
  @Cacheable({ ttl: '1m', each: true }) async z5(id: string): Promise<number> {
    return id.length;
  }
  // @ts-expect-error args with a key too many
  @Cacheable(products, { args: (id) => [id, id] }) async z6(id: string): Promise<Product> {
    return { id, name: '' };
  }
  // @ts-expect-error ttl of another form
  @Cacheable({ ttl: 'soon' }) async z7(id: string): Promise<Product> {
    return { id, name: '' };
  }
}

export class RightHold {
  @CacheEvict(products, { hold: true }) async m(id: string, _name: string): Promise<void> {
    void id;
  }
  @CacheEvict(products, { hold: '10s', args: (dto) => dto.id, tags: (_r, dto) => [dto.id] }) async n(dto: {
    id: string;
  }): Promise<void> {
    void dto;
  }
}

export class WrongHold {
  // @ts-expect-error hold with keys from the result
  @CacheEvict(products, { hold: true, keys: (r) => [r] }) async s(id: string): Promise<string> {
    return id;
  }
  // @ts-expect-error hold on tags only
  @CacheEvict(products, { hold: true, tags: (r) => [r] }) async t(id: string): Promise<string> {
    return id;
  }
  // @ts-expect-error hold on the whole cache
  @CacheEvict(products, { hold: true, allEntries: true }) async u(id: string): Promise<string> {
    return id;
  }
  // @ts-expect-error hold with a phase
  @CacheEvict(products, { hold: true, phase: 'before' }) async v(id: string): Promise<string> {
    return id;
  }
  // @ts-expect-error no unit
  @CacheEvict(products, { hold: '10 seconds' }) async w(id: string): Promise<string> {
    return id;
  }
  // @ts-expect-error hold: wrong key
  @CacheEvict(products, { hold: true }) async x(id: number): Promise<void> {
    void id;
  }
}
