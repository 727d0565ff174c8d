import type { CacheDefinition } from '@strata-cache/core';
import type { ContractClearing, ContractMethod } from './contract-entry.js';
import { sketchEvent, sketchKey, sketchKeys, sketchTags, type Sketch } from './sketch.js';

type Callback = (...args: any[]) => unknown;
type Phase = ContractClearing['phase'];

/** What a decorator or an event aims at: the keys of one cache, or tags, which reach every cache. */
export interface Aim {
  readonly kind: 'method' | 'event';
  readonly by: string;
  /** The cache of its definition. */
  readonly cache: string;
  readonly effect: ContractClearing['effect'];
  readonly phase: Phase;
  /** Keys of that cache; undefined: it aims at none. */
  readonly keys: Sketch | undefined;
  readonly allEntries: boolean;
  readonly tags: Sketch | undefined;
}

export const siteOf = ({ className, method }: ContractMethod): string => `${className}.${method}`;

/** What a decorated method aims at; undefined for one that only reads. */
export function aimOfMethod(method: ContractMethod): Aim | undefined {
  const by = siteOf(method);
  const cache = method.definition.name;
  const { args, keys, tags, allEntries = false, mode = 'delete', phase = 'afterReturn', hold } = method.options;
  if (method.decorator === 'CachePut') {
    return {
      kind: 'method',
      by,
      cache,
      effect: 'puts',
      phase: undefined,
      keys: keyFrom(args),
      allEntries: false,
      tags: undefined,
    };
  }
  if (method.decorator !== 'CacheEvict') return undefined;
  const byArguments = args !== undefined || (keys === undefined && tags === undefined && allEntries === false);
  const listed = [
    ...(byArguments ? [keyFrom(args)] : []),
    ...(typeof keys === 'function' ? [sketchKeys(keys as Callback)] : []),
  ];
  return {
    kind: 'method',
    by,
    cache,
    effect: mode as 'delete' | 'expire',
    phase: hold === undefined || hold === false ? (phase as Phase) : undefined,
    keys: listed.length === 0 ? undefined : joined(listed),
    allEntries: allEntries === true,
    tags: typeof tags === 'function' ? sketchTags(tags as Callback) : undefined,
  };
}

/** What the events of a definition aim at. */
export function aimsOfEvents({ name, invalidatedBy = {} }: CacheDefinition<any, any>): readonly Aim[] {
  return Object.entries(invalidatedBy as Record<string, Callback>).map(([by, mapper]) => {
    const { keys, tags, allEntries, mode } = sketchEvent(mapper);
    return {
      kind: 'event' as const,
      by,
      cache: name,
      effect: mode,
      phase: undefined,
      keys: keys.texts.length === 0 && keys.complete ? undefined : keys,
      allEntries,
      tags: tags.texts.length === 0 && tags.complete ? undefined : tags,
    };
  });
}

function keyFrom(args: unknown): Sketch {
  const key = typeof args === 'function' ? sketchKey(args as Callback) : undefined;
  return key === undefined || key === 'computed' ? { texts: [], complete: true } : { texts: [key], complete: true };
}

function joined(sketches: readonly Sketch[]): Sketch {
  return {
    texts: [...new Set(sketches.flatMap(({ texts }) => texts))],
    complete: sketches.every(({ complete }) => complete),
  };
}
