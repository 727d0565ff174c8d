import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import type { TransactionHook } from './after-commit.js';

type AfterCommit = () => Promise<unknown>;

/** One transaction, or one savepoint inside it. */
interface Scope {
  readonly outer: Scope | undefined;
  readonly waiting: AfterCommit[];
  state: 'open' | 'committed' | 'rolledBack';
}

const NO_SCOPE: Scope = { outer: undefined, waiting: [], state: 'committed' };
const logger = new Logger('Strata');

/**
 * A {@link TransactionHook} for any query builder whose transaction is a promise that resolves after the commit and rejects after the
 * rollback (Kysely, Drizzle, Knex, TypeORM, Prisma, MikroORM, or `BEGIN` and `COMMIT` by hand). Give one to
 * `CacheModule.forRoot({ transactions })` and run transactions inside {@link around}.
 */
export class Transactions implements TransactionHook {
  readonly #scopes = new AsyncLocalStorage<Scope>();
  #open = 0;

  /**
   * Runs `transaction` and, once its promise has resolved, everything that waited for the commit; only then it resolves itself. When the
   * promise rejects nothing of that runs, and it rejects with the same error. Inside another `around` it is a savepoint: what waits goes
   * to the outer one.
   */
  async around<Result>(transaction: () => Promise<Result>): Promise<Result> {
    const scope: Scope = { outer: this.#current(), waiting: [], state: 'open' };
    const result = await this.#inside(scope, transaction);
    const waiting = scope.waiting.splice(0);
    const { state, waiting: later } = standing(scope);
    if (state === 'open') later.push(...waiting);
    else if (state === 'committed') await Promise.all(waiting.map(safely));
    return result;
  }

  /**
   * Has `run` called after the commit of the transaction the caller is in; a `run` that rejects is logged. `false` when the caller is in
   * none, which is also true of work that outlives its transaction.
   */
  afterCommit(run: AfterCommit): boolean {
    const scope = this.#scopes.getStore();
    const { state, waiting } = scope === undefined ? NO_SCOPE : standing(scope);
    if (state !== 'open') return false;
    waiting.push(run);
    return true;
  }

  /** Not what has ended: timers and pools that were started in a transaction keep its context for ever. */
  #current(): Scope | undefined {
    const scope = this.#scopes.getStore();
    return scope?.state === 'open' ? scope : undefined;
  }

  async #inside<Result>(scope: Scope, transaction: () => Promise<Result>): Promise<Result> {
    this.#open++;
    try {
      const result = await this.#scopes.run(scope, transaction);
      scope.state = 'committed';
      return result;
    } catch (error) {
      scope.state = 'rolledBack';
      throw error;
    } finally {
      // Before Node 24 an AsyncLocalStorage in use makes every promise of the process dearer: it is off while no transaction runs.
      if (--this.#open === 0) this.#scopes.disable();
    }
  }
}

/** Whose end decides: a savepoint that was released shares the fate of what it stands in. */
function standing(scope: Scope): Scope {
  return scope.state === 'committed' && scope.outer !== undefined ? standing(scope.outer) : scope;
}

/** The transaction has succeeded: what comes after it must not tell its caller otherwise. */
async function safely(run: AfterCommit): Promise<void> {
  try {
    await run();
  } catch (error) {
    logger.warn(`Transactions: work after a commit failed. Cause: ${String(error)}`);
  }
}
