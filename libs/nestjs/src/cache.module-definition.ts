import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { StrataOptions } from '@strata-cache/core';
import type { LintLevel, LintOptions } from './contract/contract-lint.js';
import type { HttpCacheModuleOptions } from './http-cache/http-cache-options.js';
import type { TransactionHook } from './method-cache/after-commit.js';

/** Options of `CacheModule.forRoot`: those of the engine, and what only an application knows. */
export interface CacheModuleOptions extends StrataOptions {
  /** How `phase: 'afterCommit'` learns of commits: `new Transactions()`, or an object with `afterCommit(run)`. Default: no such phase. */
  readonly transactions?: TransactionHook | undefined;
  /** HTTP caching (`@HttpCache`) and the CDNs that are purged. Default: the defaults of each. */
  readonly http?: HttpCacheModuleOptions | undefined;
  /** Examine the set-up at boot, behind it, and log what is found (`CacheDoctor`). Default false: on demand only. */
  readonly doctor?: boolean | undefined;
  /** What is done at boot about caches that nothing clears, evicts that aim at nothing and the like. Default `'warn'`. */
  readonly lint?: LintLevel | LintOptions | undefined;
}

/** What `useClass` and `useExisting` of `CacheModule.forRootAsync` provide. */
export interface CacheOptionsFactory {
  createCacheOptions(): CacheModuleOptions | Promise<CacheModuleOptions>;
}

export const {
  ConfigurableModuleClass: ConfigurableCacheModule,
  MODULE_OPTIONS_TOKEN: CACHE_MODULE_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<CacheModuleOptions>({ moduleName: 'StrataCache' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createCacheOptions')
  .setExtras({ isGlobal: true as boolean | undefined }, (definition, { isGlobal = true }) => ({
    ...definition,
    global: isGlobal,
  }))
  .build();
