import { describe, expect, it } from '@jest/globals';
import { parameterNames } from './parameters.js';
import { mayMeet, sketchEvent, sketchKey, sketchKeys, sketchTags } from './sketch.js';

const tag = (id: string): string => `product:${id}`;

describe('what a key callback makes', () => {
  it.each<[string, (...args: any[]) => unknown]>([
    ['id', (id: string) => id],
    ['[categoryId, page]', (categoryId: string, page: number) => [categoryId, page]],
    ['product.id', (product: { id: string }) => product.id],
    ['id', ({ id }: { id: string }) => id],
    ['tenant:{tenant}/{id}', (tenant: string, id: string) => `tenant:${tenant}/${id}`],
    ['[words.toLowerCase(), null, 1]', (words: string) => [words.toLowerCase(), null, 1]],
    ['id', (id = 'none', ..._more: unknown[]) => id],
    ['computed', () => ({ id: 1 })],
    [
      'computed',
      () => {
        throw new Error('not for you');
      },
    ],
  ])('%s', (text, key) => {
    expect(sketchKey(key)).toBe(text);
  });
});

describe('what a tags callback makes', () => {
  it.each<[string, (...args: any[]) => unknown, readonly string[], boolean]>([
    ['none', () => [], [], true],
    [
      'of a list',
      (page) => page.items.map((item: { id: string }) => tag(item.id)),
      ['product:{page.items[].id}'],
      true,
    ],
    [
      'of two lists',
      ({ a, b }) => [...a, ...b].map((item) => tag(item.id)),
      ['product:{a[].id}', 'product:{b[].id}'],
      true,
    ],
    [
      'of a flat list',
      (page) => page.items.flatMap((item: any) => [tag(item.id), 'x']),
      ['product:{page.items[].id}', 'x'],
      true,
    ],
    ['the value itself', (value) => value.tags, ['{value.tags[]}'], true],
    ['of a Set', (value) => [...new Set(value.map((one: any) => tag(one)))] as string[], ['product:{value[]}'], true],
    ['with a default', (value) => [tag(value.id ?? 'none')], ['product:{value.id}'], false],
    ['by the value', (value) => (value.hot ? ['hot'] : ['cold']), ['hot'], false],
    ['of some', (value) => value.filter(Boolean).map(tag), ['product:{value[]}'], false],
    ['of numbers', (value) => [`n:${value.n * 2}`], ['n:NaN'], false],
    ['nothing readable', () => [{}], [], false],
    [
      'without an end',
      (value) => {
        let node = value;
        while (node.next) node = node.next;
        return [node.id];
      },
      [],
      false,
    ],
  ])('%s', (_what, tags, texts, complete) => {
    expect(sketchTags(tags as never)).toEqual({ texts, complete });
  });

  it('takes fixed ones as they are, and an optional chain for what it is', () => {
    expect(sketchTags(['a', 'b'])).toEqual({ texts: ['a', 'b'], complete: true });
    expect(sketchTags((value: any) => [`c:${value?.id}`])).toEqual({ texts: ['c:{value.id}'], complete: true });
  });

  it('changes nothing, and lets nothing out', () => {
    const given = { value: 0 };
    sketchTags((value: any) => {
      value.name = 'x';
      delete value.other;
      given.value++;
      return [];
    });
    expect(given.value).toBe(1);
    expect(sketchTags(() => Promise.reject(new Error('nobody listens')).catch(() => []) as never).complete).toBe(false);
  });
});

it('what keys callbacks and events make', () => {
  expect(sketchKeys((result: any) => [result.id])).toEqual({ texts: ['result.id'], complete: true });
  expect(sketchKeys((result: any) => result.map((one: any) => [one.id, 'en']))).toEqual({
    texts: ['[result[].id, en]'],
    complete: true,
  });
  expect(sketchEvent((e: any) => ({ keys: [e.id], tags: [`c:${e.c}`], mode: 'expire' }))).toEqual({
    keys: { texts: ['e.id'], complete: true },
    tags: { texts: ['c:{e.c}'], complete: true },
    allEntries: false,
    mode: 'expire',
  });
  expect(sketchEvent(() => ({ allEntries: true }))).toMatchObject({ allEntries: true, mode: 'delete' });
  expect(sketchEvent(() => undefined)).toMatchObject({ keys: { texts: [] }, allEntries: false });
});

it('names of parameters, however they are written', () => {
  const shorthand = {
    tags(value: unknown, id: string): unknown {
      return [value, id];
    },
  };
  const cases: [(...args: any[]) => unknown, readonly string[]][] = [
    [(id: string) => id, ['id']],
    [async (id: string) => id, ['id']],
    [({ id, list: [first] }: any, b = [1, { c: 2 }], ...rest: any[]) => [id, first, b, rest], ['', 'b', 'rest']],
    [shorthand.tags, ['value', 'id']],
    [() => 1, []],
  ];
  for (const [callback, names] of cases) expect(parameterNames(callback)).toEqual(names);
});

describe('two patterns may meet', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['product:{id}', 'product:{product.id}', true],
    ['product:{id}', 'product:42', true],
    ['product:{id}', 'category:{id}', false],
    ['{value.tags[]}', 'anything', true],
    ['a{x}c', 'ab{y}', true],
    ['a{x}c', 'b{y}', false],
    ['a{x}', 'a', true],
    ['{x}:a', '{y}:b', false],
    ['', 'a', false],
    ['', '{x}', true],
  ])('%s and %s: %s', (one, other, meets) => {
    expect([mayMeet(one, other), mayMeet(other, one)]).toEqual([meets, meets]);
  });
});
