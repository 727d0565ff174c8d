import { Logger } from '@nestjs/common';
import { applyEvent, CacheConfigError, eventNames, type CacheDefinition, type Strata } from '@strata-cache/core';
import { messages } from './messages.js';

const logger = new Logger('Strata');

/**
 * The definitions whose `invalidatedBy` a module applies.
 * @throws CacheConfigError for what is no definition, and for two of one name
 */
export function checkEventCaches(module: string, caches: unknown): readonly CacheDefinition<any, any>[] {
  if (!Array.isArray(caches) || caches.some((definition) => typeof definition?.name !== 'string')) {
    throw new CacheConfigError(messages.notADefinition(`${module}.forRoot: caches`));
  }
  const seen = new Map<string, CacheDefinition<any, any>>();
  for (const definition of caches as readonly CacheDefinition<any, any>[]) {
    const known = seen.get(definition.name) ?? definition;
    if (known !== definition)
      throw new CacheConfigError(messages.oneName(definition.name, known.owner, definition.owner));
    seen.set(definition.name, definition);
  }
  return [...seen.values()];
}

/** Applies events that another library delivers in this process. */
export class EventBridge {
  readonly names: readonly string[];
  readonly #strata: Strata;
  readonly #caches: readonly CacheDefinition<any, any>[];
  readonly #known: ReadonlySet<string>;

  constructor(strata: Strata, caches: readonly CacheDefinition<any, any>[]) {
    this.#strata = strata;
    this.#caches = caches;
    this.names = eventNames(caches);
    this.#known = new Set(this.names);
    // Now, so that two definitions of one name fail the boot.
    for (const definition of caches) strata.cache(definition);
  }

  concerns(name: string): boolean {
    return this.#known.has(name);
  }

  /** Resolves once what the event clears has been cleared. Never rejects: an emitter has nobody to tell. */
  async apply(name: string, payload: unknown): Promise<void> {
    const { failures } = await applyEvent(this.#strata, this.#caches, name, payload);
    for (const { cache, error } of failures) {
      const message = messages.eventFailed(name, cache, error);
      if (!this.#strata.notice({ level: 'warn', name: 'events.failed', cache, message })) logger.warn(message);
    }
  }
}
