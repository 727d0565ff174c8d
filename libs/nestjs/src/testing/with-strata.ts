import type { Strata } from '@strata-cache/core';
import { attachEngine } from '../engine-slot.js';

/** Gives an instance made with plain `new` an engine, so that its decorated methods are cached. Returns the instance. */
export function withStrata<Instance extends object>(instance: Instance, strata: Strata): Instance {
  attachEngine(instance, strata);
  return instance;
}
