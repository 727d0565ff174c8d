import type { Strata } from '@strata-cache/core';

/** How `@CacheEvict({ phase: 'afterCommit' })` learns of the end of a transaction: `CacheModule.forRoot({ transactions })`. */
export interface TransactionHook {
  /**
   * Has `run` called once the transaction that the caller is in has committed, and never when it is rolled back. `run` returns a
   * promise that never rejects; whoever reports the commit should await it, so that the caller reads its own write.
   * @returns `false` when no transaction is open: `run` is then called at once; anything else: it is taken care of
   */
  afterCommit(run: () => Promise<void>): boolean | void;
}

/** By engine, as the slot of an instance is: two applications in one process stay apart, and a closed one takes its hook along. */
const hooks = new WeakMap<Strata, TransactionHook>();

/** Gives the decorated methods of one engine their transactions. */
export function attachTransactions(strata: Strata, hook: TransactionHook): void {
  hooks.set(strata, hook);
}

/**
 * Whether `run` was handed to the transaction that is open. Without one, or without a hook (an instance made by hand), the write is
 * committed as soon as the method returns.
 * @throws what the hook throws
 */
export function deferToCommit(strata: Strata, run: () => Promise<void>): boolean {
  const hook = hooks.get(strata);
  return hook !== undefined && hook.afterCommit(run) !== false;
}
