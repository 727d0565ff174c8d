import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { defineCache } from '@strata-cache/core';
import type { MethodSite } from '../decorated-method.js';
import { keyFromCall } from './method-key.js';

const site: MethodSite = { decorator: 'Cacheable', className: 'Catalog', method: 'find', name: 'Catalog.find' };
const request = new IncomingMessage(new Socket());

function definition(key: ((...args: any[]) => any) | undefined): any {
  return defineCache<any[], string>({ name: 'any', version: 1, owner: 'test', ttl: '1m', key });
}

describe('keyFromCall', () => {
  it('is a single argument as it is, several as the tuple, and an array as a tuple of one', () => {
    const key = keyFromCall(
      definition((id) => id),
      undefined,
      site,
    );
    expect(key(['1'])).toBe('1');
    expect(key(['1', 'en'])).toEqual(['1', 'en']);
    expect(key([['1', '2']])).toEqual([['1', '2']]);
    expect(key([])).toEqual([]);
  });

  it('never cuts arguments: parameters with defaults do not count in length', () => {
    const key = keyFromCall(
      definition((id, lang = 'en', ...rest) => [id, lang, ...rest]),
      undefined,
      site,
    );
    expect(key(['1', 'de', 'x'])).toEqual(['1', 'de', 'x']);
  });

  it('is what `args` returns', () => {
    expect(
      keyFromCall(
        definition((id) => id),
        (dto) => dto.id,
        site,
      )([{ id: 7 }]),
    ).toBe(7);
    expect(
      keyFromCall(
        definition((a, b) => [a, b]),
        (dto) => [dto.a, 1],
        site,
      )([{ a: 0 }]),
    ).toEqual([0, 1]);
  });

  it('refuses a request where it would be part of the key, and lets it stand elsewhere', () => {
    const refused = 'Catalog.find: @Cacheable: a request cannot be part of a key';
    expect(() =>
      keyFromCall(
        definition((id) => id),
        undefined,
        site,
      )([request]),
    ).toThrow(refused);
    expect(() =>
      keyFromCall(
        definition((id) => id),
        () => request,
        site,
      )(['1']),
    ).toThrow(refused);
    expect(() =>
      keyFromCall(
        definition((id) => id),
        () => ['1', request],
        site,
      )(['1']),
    ).toThrow(refused);
    expect(
      keyFromCall(
        definition((id) => id),
        undefined,
        site,
      )(['1', request]),
    ).toEqual(['1', request]);
    expect(keyFromCall(definition(undefined), undefined, site)([request])).toBe(request);
  });
});
