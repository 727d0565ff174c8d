import type { InvalidationMode } from './definition.js';
import { show } from './duration.js';
import { CacheConfigError } from './errors.js';
import { asBoolean, asOneOf, readOptions, type Rule } from './options.js';

/** Above this many keys the whole cache is cleared: a safe answer, and a payload cannot make us work without end. */
export const MAX_EVENT_KEYS = 1_000;
/** Above this many tags the event is refused, for no clearing of one cache would be enough. */
export const MAX_EVENT_TAGS = 1_000;

/** Fits a NATS subject, an MQTT topic, an AMQP routing key and a Redis channel, and holds no wildcard of any of them. */
const EVENT_NAME = /^[A-Za-z0-9_][\w.:/-]{0,199}$/;

/** @throws CacheConfigError unless it can be the name of an event on every transport */
export function checkEventName(name: unknown, where: string): string {
  if (typeof name === 'string' && EVENT_NAME.test(name)) {
    return name;
  }
  const expected = 'an event name such as "product.updated": 1 to 200 letters, digits, "_", ".", ":", "/" or "-"';
  throw new CacheConfigError(`${where}: expected ${expected}, got ${show(name)}`);
}

export const asInvalidatedBy: Rule = (value, option) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CacheConfigError(
      `${option}: expected { 'event.name': (payload) => ({ keys, tags }) }, got ${show(value)}`,
    );
  }
  for (const [name, mapper] of Object.entries(value as object)) {
    checkEventName(name, option);
    if (typeof mapper !== 'function') {
      throw new CacheConfigError(`${option}: "${name}": expected (payload) => ({ keys, tags }), got ${show(mapper)}`);
    }
  }
  return value;
};

const asList: Rule = (value, option) => {
  if (!Array.isArray(value)) {
    throw new CacheConfigError(`${option}: expected an array, got ${show(value)}`);
  }
  return value;
};

const RULES: Record<string, Rule> = {
  keys: asList,
  tags: asList,
  allEntries: asBoolean,
  mode: asOneOf('delete', 'expire'),
};

/** What an event clears in one cache, complete. */
export interface CheckedInvalidation {
  readonly keys: readonly any[];
  readonly tags: readonly any[];
  readonly allEntries: boolean;
  readonly mode: InvalidationMode;
}

const NOTHING: CheckedInvalidation = { keys: [], tags: [], allEntries: false, mode: 'delete' };

/**
 * Checks what a mapper returned: it made that from a payload which anybody may have sent. Keys and tags themselves are checked where they are used.
 * @throws CacheConfigError for a promise, an unknown member or one of a wrong kind
 */
export function checkInvalidation(returned: unknown, where: string): CheckedInvalidation {
  if (returned === undefined || returned === null) {
    return NOTHING;
  }
  if (typeof (returned as PromiseLike<unknown>).then === 'function') {
    throw new CacheConfigError(`${where}: expected { keys, tags }, got a promise; a mapper is synchronous`);
  }
  const read = { ...NOTHING, ...readOptions(where, returned, RULES) };
  if (read.tags.length > MAX_EVENT_TAGS) {
    throw new CacheConfigError(`${where}: ${read.tags.length} tags; at most ${MAX_EVENT_TAGS} come from one event`);
  }
  return read.keys.length > MAX_EVENT_KEYS ? { ...read, keys: [], allEntries: true } : read;
}
