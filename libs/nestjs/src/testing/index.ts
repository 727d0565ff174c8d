export { CacheTestingModule, type CacheTestingOptions } from './cache-testing.module.js';
export { withStrata } from './with-strata.js';
export * from '@strata-cache/core/testing';
