import type { Cache } from './cache.js';
import type { CacheDefinition } from './definition.js';
import { CacheError, CacheKeyError } from './errors.js';
import { checkInvalidation, type CheckedInvalidation } from './invalidated-by.js';
import { MAX_TAGS } from './key.js';
import type { Strata } from './strata.js';
import type { InvalidationResult } from './writes.js';

/** Something of an event that could not be applied. */
export interface EventFailure {
  readonly cache: string;
  readonly error: unknown;
  /** The payload, or what the mapper made of it, is wrong: trying again changes nothing. False for an error that the mapper threw itself. */
  readonly permanent: boolean;
}

/** What became of an event in one engine. */
export interface EventOutcome {
  /** Caches with an entry for the event in `invalidatedBy`. */
  readonly caches: number;
  /** Everything that was invalidated has been acknowledged; false: the engine keeps some of it and sends it first. */
  readonly acknowledged: boolean;
  readonly failures: readonly EventFailure[];
}

/** The names of the events that clear something in these caches, each once. */
export function eventNames(definitions: readonly CacheDefinition<any, any>[]): readonly string[] {
  return [...new Set(definitions.flatMap(({ invalidatedBy }) => Object.keys(invalidatedBy ?? {})))];
}

/**
 * Clears what an event clears in each of the caches: what `invalidatedBy` of their definitions makes of its payload. What can be applied
 * is applied, whatever else fails. Invalidations commute and may be repeated, so the order and the number of times do not matter.
 * Never rejects: what failed is in the outcome, and a second tier that did not acknowledge counts as not acknowledged, also with `strict`.
 */
export async function applyEvent(
  strata: Strata,
  definitions: readonly CacheDefinition<any, any>[],
  name: string,
  payload: unknown,
): Promise<EventOutcome> {
  const concerned = definitions.filter(({ invalidatedBy }) => invalidatedBy && Object.hasOwn(invalidatedBy, name));
  const failures: EventFailure[] = [];
  const work: Promise<boolean>[] = [];
  for (const definition of concerned) {
    const fail = (error: unknown, permanent: boolean): void => {
      failures.push({ cache: definition.name, error, permanent });
    };
    let wanted: CheckedInvalidation;
    try {
      wanted = checkInvalidation(
        definition.invalidatedBy![name]!(payload),
        `cache "${definition.name}": invalidatedBy "${name}"`,
      );
    } catch (error) {
      fail(error, error instanceof CacheError);
      continue;
    }
    work.push(...invalidate(strata, strata.cache(definition), wanted, (error) => fail(error, true)));
  }
  const results = await Promise.all(work);
  return { caches: concerned.length, acknowledged: results.every(Boolean), failures };
}

/** Every part resolves with whether it was acknowledged; a key or tag that cannot be one is told, and the others still count. */
function invalidate(
  strata: Strata,
  cache: Cache<any, any>,
  { keys, tags, allEntries, mode }: CheckedInvalidation,
  refuse: (error: unknown) => void,
): Promise<boolean>[] {
  const byKeys = (some: readonly any[]): Promise<InvalidationResult> =>
    mode === 'expire' ? cache.expireMany(some) : cache.deleteMany(some);
  const byTags = (some: readonly any[]): Promise<InvalidationResult> => strata.invalidateTags(some, { mode });
  const work: Promise<boolean>[] = [];
  if (allEntries) {
    work.push(told(cache.clear({ mode }), refuse));
  } else if (keys.length > 0) {
    work.push(inParts(keys, keys.length, byKeys, refuse));
  }
  if (tags.length > 0) {
    work.push(inParts(tags, MAX_TAGS, byTags, refuse));
  }
  return work;
}

/** In parts of at most `size`; a part with something that cannot be a key or tag is sent one by one. */
async function inParts(
  all: readonly unknown[],
  size: number,
  send: (some: readonly unknown[]) => Promise<InvalidationResult>,
  refuse: (error: unknown) => void,
): Promise<boolean> {
  const work: Promise<boolean>[] = [];
  for (let start = 0; start < all.length; start += size) {
    const part = all.slice(start, start + size);
    work.push(
      told(send(part), (error) => {
        if (part.length === 1 || !(error instanceof CacheKeyError)) {
          refuse(error);
          return true;
        }
        return inParts(part, 1, send, refuse);
      }),
    );
  }
  return (await Promise.all(work)).every(Boolean);
}

/** `strict` engines throw what others return: the second tier did not acknowledge, which is no fault of the event. */
async function told(
  sent: Promise<InvalidationResult>,
  refuse: (error: unknown) => boolean | Promise<boolean> | void,
): Promise<boolean> {
  try {
    return (await sent).acknowledged;
  } catch (error) {
    if (error instanceof CacheError && error.code === 'ERR_CACHE_TIER') {
      return false;
    }
    return (await refuse(error)) ?? true;
  }
}
