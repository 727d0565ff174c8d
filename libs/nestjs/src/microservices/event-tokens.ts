/** Injection tokens of the module. */
export const CACHE_EVENTS_OPTIONS = Symbol('strata.events.options');
export const EVENT_CACHES = Symbol('strata.events.caches');
