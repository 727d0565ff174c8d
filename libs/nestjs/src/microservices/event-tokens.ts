/** Injection tokens of the module. */
export const CACHE_EVENTS_OPTIONS = Symbol('strata.events.options');
/** What was given beside the options: the caches, and the transport whose servers get handlers. */
export const EVENT_EXTRAS = Symbol('strata.events.extras');
