import type { BusEvent, Observer } from '@strata-cache/core';

/**
 * An observer that does what the given one does and besides tells somebody of acknowledged invalidations. Members are bound, because they
 * may use private fields; what is absent stays absent, because an engine takes shorter ways without it.
 */
export function alsoTelling(observer: Observer, tell: (event: BusEvent) => void): Observer {
  // Something that is no object is left to the engine to refuse.
  if (typeof observer !== 'object' || observer === null) return observer;
  const bound: Record<string, unknown> = {};
  for (let at: object = observer; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const member = observer[name as keyof Observer] as unknown;
      if (name === 'constructor' || Object.hasOwn(bound, name)) continue;
      bound[name] = typeof member === 'function' ? (member.bind(observer) as unknown) : member;
    }
  }
  return {
    ...bound,
    invalidated(event: BusEvent): void {
      observer.invalidated?.(event);
      tell(event);
    },
  };
}
