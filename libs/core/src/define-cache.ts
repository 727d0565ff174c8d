import type {
  AnyArgs,
  CacheDefinition,
  CacheDefinitionOptions,
  Fixed,
  Awaitable,
  KeyPart,
  LoadContext,
} from './definition.js';
import { CacheConfigError } from './errors.js';
import { asInvalidatedBy } from './invalidated-by.js';
import {
  asBytes,
  asDuration,
  asFraction,
  asFunction,
  asHaving,
  asInteger,
  asName,
  asOneOf,
  asPositiveDuration,
  asTimeout,
  readOptions,
  type Rule,
} from './options.js';
import { checkTags } from './key.js';

const REQUIRED = ['name', 'version', 'owner', 'ttl'] as const;

const asTags: Rule = (value, option) => (typeof value === 'function' ? value : checkTags(value, option));

/** Rules shared by definitions, engine defaults and calls: one option means the same everywhere. */
export const LIFETIME_RULES = {
  ttl: asPositiveDuration,
  grace: asDuration,
  negativeTtl: asPositiveDuration,
  softTimeout: asTimeout,
  hardTimeout: asTimeout,
  consistency: asOneOf('bounded', 'coherent'),
} satisfies Record<string, Rule>;

export const VALUE_RULES = {
  jitter: asFraction(0, 1),
  isolation: asOneOf('shared', 'frozen', 'cloned'),
  maxConcurrentLoads: asInteger(1, 1_000_000),
  maxValueBytes: asBytes,
  compressAbove: asBytes,
} satisfies Record<string, Rule>;

const isSerializer = asHaving(
  'jsonSerializer(), messagePackSerializer(new Packr()), or an object with serialize(), deserialize() and an id from 1 to 15',
  'serialize',
  'deserialize',
);

const asSerializer: Rule = (value, option) => {
  asInteger(1, 15)(isSerializer(value, option).id, `${option}.id`);
  return value;
};

const DEFINITION_RULES: Record<string, Rule> = {
  name: asName(/^[A-Za-z][\w.-]{0,99}$/, 'a letter followed by at most 99 letters, digits, "_", "." or "-"'),
  version: asInteger(1, 65_535),
  owner: asName(/\S/, 'the name of the team or class that answers for this cache'),
  key: asFunction,
  ...LIFETIME_RULES,
  ...VALUE_RULES,
  refreshAhead: asFraction(0, 1),
  load: asFunction,
  tags: asTags,
  invalidatedBy: asInvalidatedBy,
  expectedHitRatio: asFraction(0, 1),
  negativeErrors: asFunction,
  sharedErrors: asHaving('an object with dehydrate(error) and hydrate(plain)', 'dehydrate', 'hydrate'),
  hydrate: asHaving('hydrateAs(TheClass), or an object with hydrate() and dehydrate()', 'hydrate', 'dehydrate'),
  tenant: asFunction,
  serializer: asSerializer,
};

/** The resolved form of a definition: durations in ms, sizes in bytes. */
export type ResolvedDefinition = Record<string, any> & { name: string; version: number; owner: string; ttl: number };

const resolved = new WeakMap<object, ResolvedDefinition>();

/** A definition that did not say what it holds: give the types, `defineCache<[id: string], Product>(...)`, or `tags`/`load`. */
export interface UntypedCacheDefinition {
  readonly 'defineCache needs to know what the cache holds': 'write defineCache<[id: string], Product>({ ... })';
}

/**
 * Declares a cache once: its key, lifetime, tags, owner and what clears it. The result is immutable and can be used in any number of engines.
 * @throws CacheConfigError naming the option that is missing, unknown or wrong
 */
export function defineCache<Args extends AnyArgs = [], Value = unknown>(
  options: Omit<CacheDefinitionOptions<Args, Value>, 'key' | 'load' | 'tags'> & {
    readonly key?: ((...args: Args) => KeyPart | readonly KeyPart[]) | undefined;
    readonly load?: ((context: LoadContext<any>, ...args: Fixed<Args>) => Awaitable<Value | undefined>) | undefined;
    readonly tags?: readonly string[] | ((value: Value, ...args: Fixed<Args>) => readonly string[]) | undefined;
  },
): unknown extends Value ? UntypedCacheDefinition : CacheDefinition<Args, Value> {
  const name = typeof options?.name === 'string' ? options.name : '?';
  const where = `defineCache("${name}")`;
  const read = readOptions(where, options, DEFINITION_RULES);
  for (const option of REQUIRED) {
    if (read[option] === undefined) {
      throw new CacheConfigError(`${where}: ${option} is required`);
    }
  }
  const definition = Object.freeze({ ...options });
  resolved.set(definition, read as ResolvedDefinition);
  return definition as never;
}

/** @throws CacheConfigError when the object was not made by `defineCache` */
export function resolvedDefinition(definition: CacheDefinition): ResolvedDefinition {
  const found = resolved.get(definition);
  if (found === undefined) {
    throw new CacheConfigError(
      `cache definition ${JSON.stringify(definition?.name ?? '?')}: make it with defineCache({ ... })`,
    );
  }
  return found;
}
