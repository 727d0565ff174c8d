import { describe, expect, it } from '@jest/globals';
import { SerializationError } from '../errors.js';
import { hydrateAs, type Hydrator } from './hydrate.js';
import { admit, type Admitted } from './isolation.js';

let constructed = 0;

class Category {
  name: string;

  constructor(name: string) {
    constructed++;
    this.name = name;
  }

  get label(): string {
    return `[${this.name}]`;
  }
}

class Product {
  id = '';
  price = 0;
  tags: string[] = [];
  category: Category | null = null;
  categories: Category[] = [];

  constructor() {
    constructed++;
  }

  get title(): string {
    return `#${this.id}`;
  }

  discounted(): number {
    return this.price / 2;
  }
}

class Special extends Product {}

function product(id: string): Product {
  return Object.assign(new Product(), { id, price: 10, tags: ['a'] });
}

function store(plain: unknown): unknown {
  const admission = admit(plain, { isolation: 'frozen', maxBytes: 100_000 });
  expect(admission).toMatchObject({ ok: true });
  return (admission as Admitted).value;
}

describe('hydrateAs', () => {
  const { dehydrate, hydrate } = hydrateAs(Product);

  it('gives back an instance with methods, without calling the constructor', () => {
    const stored = store(dehydrate(product('7')));
    constructed = 0;
    const read = hydrate(stored);
    expect(read).toBeInstanceOf(Product);
    expect([read.title, read.discounted()]).toEqual(['#7', 5]);
    expect(constructed).toBe(0);
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
  });

  it('gives a new instance to every read: changing one changes no later read', () => {
    const stored = store(dehydrate(product('7')));
    const first = hydrate(stored);
    first.price = 99;
    expect(() => first.tags.push('b')).toThrow(TypeError);
    first.tags = ['c'];
    expect(hydrate(stored)).toEqual(product('7'));
  });

  it('leaves the instance that was stored to its owner', () => {
    const original = product('7');
    const stored = store(dehydrate(original));
    original.tags.push('later');
    expect((stored as Product).tags).toEqual(['a']);
  });

  it('takes arrays, null and undefined', () => {
    const many: Hydrator<(Product | null)[]> = hydrateAs(Product);
    const read = many.hydrate(store(many.dehydrate([product('1'), null, product('2')])));
    expect(read.map((item) => item?.title)).toEqual(['#1', undefined, '#2']);
    const maybe: Hydrator<Product | null | undefined> = hydrateAs(Product);
    expect([maybe.hydrate(maybe.dehydrate(null)), maybe.hydrate(maybe.dehydrate(undefined))]).toEqual([
      null,
      undefined,
    ]);
  });

  it('leaves nested instances to be refused with their path, unless told how to hydrate them', () => {
    const value = Object.assign(product('7'), { category: new Category('x'), categories: [new Category('y')] });
    expect(admit(dehydrate(value), { isolation: 'frozen', maxBytes: 100_000 })).toMatchObject({
      ok: false,
      path: '$.category',
    });
    expect(Object.isFrozen(value.tags)).toBe(false);
    const nested = hydrateAs(Product, { category: hydrateAs(Category), categories: hydrateAs(Category) });
    const read = nested.hydrate(store(nested.dehydrate(value)));
    expect([read.category?.label, read.categories[0].label]).toEqual(['[x]', '[y]']);
    expect(value.category).toBeInstanceOf(Category);
  });

  it('leaves a cycle to be refused with its path', () => {
    const value = product('7') as Product & { self?: unknown };
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    value.self = loop;
    expect(admit(dehydrate(value), { isolation: 'frozen', maxBytes: 100_000 })).toMatchObject({
      cause: 'cycle',
      path: '$.self.loop',
    });
  });

  it.each<[string, unknown, string]>([
    [
      'plain data',
      { id: '7' },
      '$: expected an instance of Product, null, or an array of them, got an instance of Object',
    ],
    ['a subclass', [product('1'), new Special()], '$[1]: expected an instance of Product'],
    ['a primitive', 7, '$: expected an instance of Product, null, or an array of them, got a number'],
  ])('refuses %s', (_name, value, message) => {
    expect(() => dehydrate(value as Product)).toThrow(SerializationError);
    expect(() => dehydrate(value as Product)).toThrow(message);
  });

  it('names the whole path of a nested refusal', () => {
    const nested = hydrateAs(Product, { categories: hydrateAs(Category) });
    const value = Object.assign(product('7'), { categories: [new Category('x'), { name: 'y' }] });
    const refused = (): unknown => nested.dehydrate(value as Product);
    expect(refused).toThrow('$.categories[1]: expected an instance of Category');
    expect(refused).toThrow(expect.objectContaining({ path: '$.categories[1]' }));
  });

  it('restores properties as data, past setters and accessors of the class', () => {
    class Guarded {
      get name(): string {
        return 'accessor';
      }
    }
    const instance = Object.defineProperty(new Guarded(), 'name', {
      value: 'own',
      enumerable: true,
      configurable: true,
    });
    const guarded = hydrateAs(Guarded);
    expect(guarded.hydrate(guarded.dehydrate(instance)).name).toBe('own');
  });

  it('never lets stored data change a prototype', () => {
    const read = hydrate(
      JSON.parse('{"id":"7","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    );
    expect(Object.getPrototypeOf(read)).toBe(Product.prototype);
    expect((read as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(() => hydrate('text')).toThrow(SerializationError);
  });

  it('takes a class with a private constructor', () => {
    class Secret {
      readonly id: string;

      private constructor(id: string) {
        this.id = id;
      }

      static of(id: string): Secret {
        return new Secret(id);
      }
    }
    const secret = hydrateAs(Secret);
    expect(secret.hydrate(secret.dehydrate(Secret.of('s'))).id).toBe('s');
  });
});
