import { BoundedMap } from './bounded-map.js';

/** URLs whose variants are counted at once; the counts of the oldest are forgotten. */
const MAX_RESOURCES = 10_000;

/**
 * Bounds how many variants of one URL are stored: whoever can send any value of a field that is part of the key could otherwise fill the
 * store with copies of one response. Counted in this process, for as long as a variant may live.
 */
export class VariantLimit {
  readonly #resources = new BoundedMap<string, { readonly variants: Set<string>; readonly until: number }>(
    MAX_RESOURCES,
  );

  /** Whether one more variant may be stored; one that was admitted stays admitted. Instants and `window` in ms. */
  admits(resource: string, variant: string, max: number, now: number, window: number): boolean {
    let known = this.#resources.get(resource);
    if (known === undefined || now >= known.until) {
      known = { variants: new Set(), until: now + window };
      this.#resources.set(resource, known);
    }
    if (known.variants.has(variant)) return true;
    if (known.variants.size >= max) return false;
    known.variants.add(variant);
    return true;
  }
}
