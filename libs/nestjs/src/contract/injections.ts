import 'reflect-metadata';
import type { DiscoveryService } from '@nestjs/core';
import type { ContractInjection } from './contract-entry.js';

/** Where Nest's `Inject` writes what it is given; its own constants are not exported. */
const PARAMETERS = 'self:paramtypes';
const PROPERTIES = 'self:properties_metadata';

/** Who has which cache injected: classes by `@InjectCache`, factories by `inject`. `tokens`: from the token to the name of the cache. */
export function cacheInjections(
  discovery: DiscoveryService,
  tokens: ReadonlyMap<unknown, string>,
): readonly ContractInjection[] {
  return [...discovery.getProviders(), ...discovery.getControllers()].flatMap((wrapper) => {
    const { metatype, inject } = wrapper;
    const wanted = [
      ...(inject ?? []).map((one) => (typeof one === 'object' && 'token' in one ? one.token : one)),
      ...(typeof metatype === 'function' && !wrapper.isFactory ? declaredBy(metatype) : []),
    ];
    const caches = new Set(wanted.map((token) => tokens.get(token)).filter((name) => name !== undefined));
    return [...caches].map((cache) => ({ by: String(wrapper.name), cache }));
  });
}

function declaredBy(metatype: object): readonly unknown[] {
  const parameters = (Reflect.getMetadata(PARAMETERS, metatype) ?? []) as readonly { readonly param?: unknown }[];
  const properties = (Reflect.getMetadata(PROPERTIES, metatype) ?? []) as readonly { readonly type?: unknown }[];
  return [...parameters.map(({ param }) => param), ...properties.map(({ type }) => type)];
}
