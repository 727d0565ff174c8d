import { Injectable } from '@nestjs/common';
import type { CachedMethod } from './method-site.js';

/** The decorated methods of the application, complete once it has been initialised. For tools: dashboard, CLI, tests. */
@Injectable()
export class CachedMethods {
  readonly #methods = new Set<CachedMethod>();

  add(method: CachedMethod): void {
    this.#methods.add(method);
  }

  list(): readonly CachedMethod[] {
    return [...this.#methods];
  }
}
