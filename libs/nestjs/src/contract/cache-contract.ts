import { duration, type CacheDefinition, type Duration, type Strata } from '@strata-cache/core';
import { aimOfMethod, aimsOfEvents, siteOf, type Aim } from './contract-parts.js';
import type {
  CacheContractEntry,
  ContractClearing,
  ContractInjection,
  ContractMethod,
  ContractReader,
} from './contract-entry.js';
import { contractPage } from './contract-page.js';
import { mayMeet, sketchKey, sketchTags } from './sketch.js';

/** Where the contract gets what it says; asked each time, because an application goes on being put together while it boots. */
export interface ContractSources {
  readonly caches: () => ReturnType<Strata['caches']>;
  readonly methods: () => readonly ContractMethod[];
  readonly injections: () => readonly ContractInjection[];
  /** Whether something else than these caches carries tags. */
  readonly carriesOtherTags: () => boolean;
  readonly defaults: { readonly grace?: Duration | undefined; readonly negativeTtl?: Duration | undefined } | undefined;
}

/** Caches the library has for itself, such as that of HTTP responses: their entries are described where they are declared. */
const OWN = /^strata\./;

/**
 * Every cache of the application, and what the code says about it: who reads it, what clears it. Complete once the application has booted;
 * what is done through an injected cache or `strata` at run time cannot be seen.
 */
export class CacheContract {
  readonly #sources: ContractSources;

  constructor(sources: ContractSources) {
    this.#sources = sources;
  }

  /** By name. */
  entries(): readonly CacheContractEntry[] {
    const aims = this.aims();
    return this.#definitions().map((definition) => this.#entry(definition, aims));
  }

  /** What decorated methods and events aim at; for the lint. */
  aims(): readonly Aim[] {
    const methods = this.#sources.methods().map(aimOfMethod);
    const events = this.#definitions().flatMap(aimsOfEvents);
    return [...methods.filter((aim) => aim !== undefined), ...events].sort((a, b) => compare(a.by, b.by));
  }

  /** Whether every tag that may be carried is among those of {@link entries}. */
  knowsEveryTag(): boolean {
    return !this.#sources.carriesOtherTags() && this.entries().every(({ tagsAreComplete }) => tagsAreComplete);
  }

  toJSON(): { readonly caches: readonly CacheContractEntry[] } {
    return { caches: this.entries() };
  }

  /** A page with a diagram (Mermaid, which GitHub and GitLab draw), the same for the same code. */
  toMarkdown(): string {
    return contractPage(this.entries());
  }

  #definitions(): readonly CacheDefinition<any, any>[] {
    const all = this.#sources.caches().map(({ definition }) => definition);
    return all.filter(({ name }) => !OWN.test(name)).sort((a, b) => compare(a.name, b.name));
  }

  #entry(definition: CacheDefinition<any, any>, aims: readonly Aim[]): CacheContractEntry {
    const { name, version, owner, key, consistency, expectedHitRatio } = definition;
    const { defaults = {} } = this.#sources;
    const names = typeof definition.tags === 'function' ? undefined : [];
    const tags = sketchTags(definition.tags, names);
    const negativeTtl = definition.negativeTtl ?? defaults.negativeTtl;
    return {
      name,
      version,
      owner,
      key: key === undefined ? 'one entry' : sketchKey(key),
      ttl: duration(definition.ttl),
      grace: duration(definition.grace ?? defaults.grace ?? 0),
      negativeTtl: negativeTtl === undefined ? undefined : duration(negativeTtl),
      tags: tags.texts,
      tagsAreComplete: tags.complete,
      consistency,
      expectedHitRatio,
      readBy: this.#readers(definition),
      clearedBy: aims.flatMap((aim) => clearings(aim, name, tags.texts)),
    };
  }

  #readers({ name, load }: CacheDefinition<any, any>): readonly ContractReader[] {
    const { methods, injections } = this.#sources;
    const found: ContractReader[] = load === undefined ? [] : [{ by: name, how: 'load' }];
    for (const method of methods()) {
      const { decorator } = method;
      if (method.definition.name !== name || decorator === 'CacheEvict') continue;
      found.push({ by: siteOf(method), how: decorator as 'Cacheable' | 'CachePut' });
    }
    for (const { by, cache } of injections()) if (cache === name) found.push({ by, how: 'injected' });
    return found.sort((a, b) => compare(a.by, b.by) || compare(a.how, b.how));
  }
}

/** What an aim does to one cache. */
function clearings(aim: Aim, name: string, carried: readonly string[]): readonly ContractClearing[] {
  const { kind, by, effect, phase } = aim;
  const found: ContractClearing[] = [];
  if (aim.cache === name && aim.allEntries) found.push({ kind, by, effect, phase, target: 'all', what: [] });
  if (aim.cache === name && aim.keys !== undefined) {
    found.push({ kind, by, effect, phase, target: 'key', what: aim.keys.texts });
  }
  const what = (aim.tags?.texts ?? []).filter((tag) => carried.some((other) => mayMeet(tag, other)));
  if (what.length > 0) found.push({ kind, by, effect, phase, target: 'tags', what });
  return found;
}

/** By code unit: the same on every machine, whatever its language. */
function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
