import { AsyncResource } from 'node:async_hooks';

/** Places, a power of two; slots share them. */
const PLACES = 512;

/**
 * Resolved promises of values that are asked for again and again: half of an awaited hit is making a promise and looking for a `then`
 * in the value. The second reader of a value makes the promise, later ones get the same, until another slot takes its place.
 * A promise fits by the identity of its value, so no invalidation concerns it; what leaves the store is forgotten to be collected.
 */
export class AnswerMemo {
  /** A value, then its promise, by slot. */
  readonly #places = Array.from<unknown>({ length: 2 * PLACES });
  /** A promise made inside a request would hold that request's async context as long as it lives. */
  readonly #scope = new AsyncResource('strata.answers', { requireManualDestroy: true });

  promiseOf(slot: number, value: unknown): Promise<unknown> {
    const place = 2 * (slot & (PLACES - 1));
    // Not `===`: -0 is not 0.
    if (Object.is(this.#places[place], value)) {
      return (this.#places[place + 1] as Promise<unknown> | undefined) ?? this.#make(place, value);
    }
    this.#places[place] = value;
    this.#places[place + 1] = undefined;
    return Promise.resolve(value);
  }

  forget(slot: number): void {
    const place = 2 * (slot & (PLACES - 1));
    this.#places[place] = undefined;
    this.#places[place + 1] = undefined;
  }

  clear(): void {
    this.#places.fill(undefined);
  }

  #make(place: number, value: unknown): Promise<unknown> {
    const promise = this.#scope.runInAsyncScope(() => Promise.resolve(value));
    this.#places[place + 1] = promise;
    return promise;
  }
}
