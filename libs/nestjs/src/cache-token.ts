import { Inject } from '@nestjs/common';
import { CacheConfigError, type CacheDefinition } from '@strata-cache/core';
import { messages } from './messages.js';

/** The injection token of a cache registered by `CacheModule.forFeature`. Takes the definition or its name. */
export function getCacheToken(definition: CacheDefinition<any, any> | string): string {
  const name = typeof definition === 'string' ? definition : definition?.name;
  if (typeof name !== 'string') throw new CacheConfigError(messages.notADefinition('getCacheToken'));
  return `strata-cache:${name}`;
}

/**
 * Injects a cache registered by `CacheModule.forFeature([definition])`.
 * The compiler cannot compare the parameter's type with the definition: write `CacheOf<typeof definition>`.
 */
export function InjectCache(definition: CacheDefinition<any, any> | string): PropertyDecorator & ParameterDecorator {
  return Inject(getCacheToken(definition));
}
