/** Members a callback may look at before it is taken for one that never ends. */
const MAX_LOOKS = 2_000;

/** What stands for a value that is not known yet, in the texts made of it: `{product.id}`. */
type Placeholder = object;

/** They give back a part or another order of the same elements. */
const SAME_ELEMENTS = new Set<PropertyKey>(['slice', 'sort', 'toSorted', 'reverse', 'toReversed', 'values', 'flat']);
/** They decide by the value, which a placeholder does not have. */
const DECIDING = new Set<PropertyKey>(['filter', 'find', 'some', 'every', 'includes', 'has', 'reduce']);

/** One run of a callback on placeholders. */
export class Recording {
  /** Whether the callback asked for what a placeholder cannot answer: its result is then one of several. */
  decided = false;
  readonly #paths = new WeakMap<Placeholder, string>();
  #looks = 0;

  /** A value known only by its name. Every member of it is one as well; one element stands for all of a list. */
  placeholder(path: string): any {
    const proxy: Placeholder = new Proxy(() => undefined, {
      get: (_target, property) => this.#member(proxy, path, property),
      apply: () => this.placeholder(`${path}()`),
      has: () => this.#decide(true),
      ownKeys: () => this.#decide([]),
      getOwnPropertyDescriptor: () => undefined,
      // A callback has no business in changing its arguments; what it tries is not remembered.
      set: () => true,
    });
    this.#paths.set(proxy, path);
    return proxy;
  }

  /** The text of a result: what stands for the placeholder, or undefined when it is no text. */
  textOf(value: unknown): string | undefined {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (value === null) return 'null';
    const path = typeof value === 'function' ? this.#paths.get(value) : undefined;
    return path === undefined ? undefined : `{${path}}`;
  }

  /** The elements of a result: of a list, or the one that stands for all elements of a placeholder. */
  elementsOf(value: unknown): readonly unknown[] | undefined {
    if (Array.isArray(value)) return value;
    const path = typeof value === 'function' ? this.#paths.get(value) : undefined;
    return path === undefined ? undefined : [this.placeholder(`${path}[]`)];
  }

  #member(proxy: Placeholder, path: string, property: PropertyKey): unknown {
    if (++this.#looks > MAX_LOOKS) throw new RangeError('too many looks at a value that is not known');
    if (property === Symbol.toPrimitive) return (hint: string) => (hint === 'number' ? this.#decide(NaN) : `{${path}}`);
    if (property === Symbol.iterator) return () => [this.placeholder(`${path}[]`)][Symbol.iterator]();
    if (property === 'toString' || property === 'toJSON' || property === 'valueOf') return () => `{${path}}`;
    // Nobody shall take it for a promise.
    if (property === 'then') return undefined;
    if (property === 'map' || property === 'flatMap') {
      return (map: (element: unknown, index: number) => unknown) => {
        const mapped = [map(this.placeholder(`${path}[]`), 0)];
        return property === 'map' ? mapped : mapped.flat();
      };
    }
    if (SAME_ELEMENTS.has(property)) return () => proxy;
    if (DECIDING.has(property)) this.decided = true;
    if (property === 'filter') return () => proxy;
    return this.placeholder(path === '' ? String(property) : `${path}.${String(property)}`);
  }

  #decide<Value>(value: Value): Value {
    this.decided = true;
    return value;
  }
}
