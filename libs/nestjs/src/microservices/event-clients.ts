import type { InjectionToken } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { ClientProxy, ClientProxyFactory, type ClientOptions } from '@nestjs/microservices';
import { CacheConfigError } from '@strata-cache/core';
import type { EventClient } from './cache-events-options.js';
import { eventMessages } from './event-messages.js';

/** A client, and whether it was opened here. */
export interface OpenedClient {
  readonly client: ClientProxy;
  readonly own: boolean;
}

/** @throws CacheConfigError for what is no client, and for a token that nothing is provided under */
export function openClients(
  given: EventClient | readonly EventClient[] | undefined,
  modules: ModuleRef,
): readonly OpenedClient[] {
  if (given === undefined) return [];
  const all = Array.isArray(given) ? (given as readonly EventClient[]) : [given as EventClient];
  return all.map((one) => openClient(one, modules));
}

function openClient(given: EventClient, modules: ModuleRef): OpenedClient {
  if (isClient(given)) return { client: given, own: false };
  if (typeof given === 'object' && given !== null && ('transport' in given || 'customClass' in given)) {
    return { client: ClientProxyFactory.create(given as ClientOptions & object) as ClientProxy, own: true };
  }
  if (typeof given !== 'string' && typeof given !== 'symbol' && typeof given !== 'function') {
    throw new CacheConfigError(eventMessages.badClient());
  }
  let found: unknown;
  try {
    found = modules.get(given as InjectionToken as never, { strict: false });
  } catch (error) {
    throw new CacheConfigError(eventMessages.noSuchClient(String(given)), error);
  }
  if (!isClient(found)) throw new CacheConfigError(eventMessages.badClient());
  return { client: found, own: false };
}

/** By what it can do: a second copy of the package has another class. */
function isClient(value: unknown): value is ClientProxy {
  return (
    value instanceof ClientProxy ||
    (typeof value === 'object' &&
      value !== null &&
      typeof (value as ClientProxy).emit === 'function' &&
      typeof (value as ClientProxy).connect === 'function')
  );
}
