import { cloneValue } from './clone-value.js';
import { SerializationError } from '../errors.js';
import { surveyValue } from './survey.js';
import { describe } from './value-kind.js';

/** Turns class instances into plain data for storing and back on every read. */
export interface Hydrator<Value> {
  /** Plain data of a value: only plain objects, arrays, primitives, Date, Map, Set, Buffer and typed arrays. */
  dehydrate(value: Value): unknown;
  /** A new value for the caller, built from stored (frozen) plain data. Must not mutate what it is given. */
  hydrate(plain: any): Value;
}

/** A class, also an abstract one or one with a private constructor: the constructor is never called. */
export interface Hydratable<Instance> {
  readonly prototype: Instance;
  readonly name: string;
}

/** What a cache of class instances may hold. */
export type Hydrated<Instance> = Instance | null | undefined | readonly (Instance | null | undefined)[];

/** Hydrators of properties that hold instances of other classes. */
export type NestedHydrators<Instance> = { readonly [Property in keyof Instance]?: Hydrator<any> };

/** The copy that `dehydrate` takes of nested data is not attempted beyond this; `admit` refuses such values anyway. */
const MAX_COPY_BYTES = 64 * 1024 * 1024;

/**
 * Stores instances of a class as their own enumerable properties and gives instances back: for a single instance, an
 * array of them, and `null`. `nested` names properties that hold instances themselves:
 * `hydrateAs(Product, { category: hydrateAs(Category), tags: hydrateAs(Tag) })`.
 *
 * - The constructor is not called and setters are not run; `#private` fields are not restored, so a class that has any
 *   needs a hydrator of its own.
 * - Storing leaves the instance as it is: nested data is copied, not frozen.
 * - Every read gives a new instance. Its nested plain data is the stored, frozen one: changing the instance changes no
 *   later read, changing what is nested throws (or, with `isolation: 'cloned'`, changes a copy).
 * @throws SerializationError from `dehydrate` for anything that is not an instance of exactly this class: a subclass or a
 *   plain object would come back as something else
 */
export function hydrateAs<Instance extends object, Value extends Hydrated<Instance> = Instance>(
  type: Hydratable<Instance>,
  nested: NestedHydrators<NoInfer<Instance>> = {},
): Hydrator<Value> {
  const hydrators = new Map<string, Hydrator<unknown>>(Object.entries(nested));
  return {
    dehydrate(value) {
      const plain = eachOf(value, '$', (item, path) => dehydrateOne(item, path, type, hydrators));
      // Freezing an entity's nested arrays would break its owner, often an ORM's unit of work. What is refused later,
      // perhaps for a cycle, is not copied.
      return surveyValue(plain, { maxBytes: MAX_COPY_BYTES }).refusal === undefined ? cloneValue(plain) : plain;
    },
    hydrate: (plain) => eachOf(plain, '$', (item, path) => hydrateOne(item, path, type, hydrators)) as Value,
  };
}

function eachOf(value: unknown, path: string, one: (item: object, path: string) => object): unknown {
  if (value === null || value === undefined) {
    return value;
  }
  if (!Array.isArray(value)) {
    return one(value, path);
  }
  return value.map((item: object | null | undefined, index) =>
    item === null || item === undefined ? item : one(item, `${path}[${index}]`),
  );
}

function dehydrateOne(
  instance: object,
  path: string,
  type: Hydratable<object>,
  hydrators: ReadonlyMap<string, Hydrator<unknown>>,
): object {
  if (typeof instance !== 'object' || Object.getPrototypeOf(instance) !== type.prototype) {
    throw new SerializationError(
      `${path}: expected an instance of ${type.name}, null, or an array of them, got ${describe(instance)}; ` +
        'return instances, or write a hydrator for this shape',
      path,
    );
  }
  const plain: Record<string, unknown> = { ...instance };
  for (const [property, hydrator] of hydrators) {
    if (Object.hasOwn(plain, property)) {
      plain[property] = dehydrateNested(plain[property], `${path}.${property}`, hydrator);
    }
  }
  return plain;
}

function dehydrateNested(value: unknown, path: string, hydrator: Hydrator<unknown>): unknown {
  try {
    return hydrator.dehydrate(value);
  } catch (error) {
    if (error instanceof SerializationError && error.message.startsWith(error.path)) {
      const message = path + error.message.slice(1);
      throw new SerializationError(message, path + error.path.slice(1), error);
    }
    throw error;
  }
}

function hydrateOne(
  plain: object,
  path: string,
  type: Hydratable<object>,
  hydrators: ReadonlyMap<string, Hydrator<unknown>>,
): object {
  if (typeof plain !== 'object') {
    throw new SerializationError(
      `${path}: expected the stored properties of ${type.name}, got ${describe(plain)}`,
      path,
    );
  }
  const instance: Record<string, unknown> = Object.create(type.prototype);
  for (const key of Object.keys(plain)) {
    // Assigning it would change the prototype; no class has a use for it.
    if (key === '__proto__') {
      continue;
    }
    const item = (plain as Record<string, unknown>)[key];
    const value = hydrators.get(key)?.hydrate(item) ?? item;
    if (key in instance) {
      // An accessor or method of the class: assigning would run a setter, or throw for want of one.
      Object.defineProperty(instance, key, { value, writable: true, enumerable: true, configurable: true });
    } else {
      instance[key] = value;
    }
  }
  return instance;
}
