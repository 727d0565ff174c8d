import { ConfigurableModuleBuilder } from '@nestjs/common';
import { readOptions, type StrataOptions } from '@strata-cache/core';
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

const asIs = (value: unknown): unknown => value;
const NAMES: Readonly<Record<keyof CacheModuleOptions, typeof asIs>> = {
  namespace: asIs,
  l1: asIs,
  l2: asIs,
  bus: asIs,
  consistency: asIs,
  maxStaleness: asIs,
  heartbeat: asIs,
  whenDisconnected: asIs,
  strict: asIs,
  observer: asIs,
  clock: asIs,
  locks: asIs,
  defaults: asIs,
  transactions: asIs,
  http: asIs,
  doctor: asIs,
  lint: asIs,
};

/**
 * Looks at the names only: each value is checked by who reads it. The engine would name its own options, not those of the module.
 * @throws CacheConfigError naming an unknown option
 */
export function checkOptionNames(options: CacheModuleOptions): void {
  readOptions('CacheModule.forRoot', options, NAMES);
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
