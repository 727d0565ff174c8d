import type { BusEvent } from './bus/bus.js';

/** How a lookup was answered. `negative` = a remembered "not found". */
export type LookupOutcome = 'hit' | 'stale' | 'negative' | 'miss';

/** The tier that answered. */
export type TierName = 'l1' | 'l2';

/** One slow operation. The algorithm fills fields; logs, metrics and spans are derived by the observer. */
export interface Operation {
  readonly kind: 'load' | 'l2.read' | 'l2.lease' | 'l2.fill' | 'l2.invalidate' | 'invalidate' | 'put';
  /** The cache's name; empty for operations that concern the whole namespace. */
  readonly cache: string;
  /** The logical key where there is one. May hold user data: do not export it unless asked to. */
  readonly key?: string | undefined;
  /** Whether a load runs behind a stale answer. */
  readonly background?: boolean | undefined;
  outcome?: string | undefined;
  error?: unknown;
}

/** Something that happened and is worth counting or warning of; never thrown as well. */
export interface Notice {
  readonly level: 'debug' | 'warn';
  /** A stable name such as `value.refused` or `l2.unavailable`. */
  readonly name: string;
  readonly cache?: string | undefined;
  readonly message: string;
}

/**
 * Sees what the engine does. Every member is optional and none may throw; an absent member costs nothing.
 * Counters need no observer: read `cache.stats()`.
 */
export interface Observer {
  /** Wraps one slow operation; must call `run` exactly once and return its promise. */
  around?<T>(operation: Operation, run: () => Promise<T>): Promise<T>;
  /** Told of every answered lookup, L1 hits included. Keep it cheap or leave it out. */
  lookup?(cache: string, outcome: LookupOutcome, tier: TierName | undefined, key: string): void;
  /**
   * Told of every invalidation that began in this process, once the second tier has acknowledged it (at once without one; after
   * recovery when it was unreachable). Those received over the bus are the business of the process they began in.
   */
  invalidated?(event: BusEvent): void;
  /** Told of warnings: a value refused by the second tier, a breaker that opened, a bus gap. */
  notice?(notice: Notice): void;
}
