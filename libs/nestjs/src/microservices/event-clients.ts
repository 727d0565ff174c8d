import type { InjectionToken } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { ClientProxy, ClientProxyFactory, Transport, type ClientOptions } from '@nestjs/microservices';
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
    return { client: ClientProxyFactory.create(withDefaults(given as ClientOptions)) as ClientProxy, own: true };
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

/**
 * Settings under what was given, so that a client comes back however long its broker is away. A command of ioredis that was on its way when
 * the connection broke is refused instead of repeated: it would reach Redis before the subscribers have come back, and nobody.
 */
const CLIENT_DEFAULTS: Partial<Record<Transport, object>> = {
  [Transport.REDIS]: { retryAttempts: Number.POSITIVE_INFINITY, retryDelay: 200, maxRetriesPerRequest: 0 },
  [Transport.NATS]: { maxReconnectAttempts: -1, reconnectTimeWait: 200, pingInterval: 5_000 },
  [Transport.RMQ]: { persistent: true, socketOptions: { heartbeatIntervalInSeconds: 5, reconnectTimeInSeconds: 1 } },
  [Transport.MQTT]: { reconnectPeriod: 200, keepalive: 5 },
};

function withDefaults(given: ClientOptions): ClientOptions {
  const transport = (given as { transport?: Transport }).transport;
  const defaults = transport === undefined ? undefined : CLIENT_DEFAULTS[transport];
  return defaults === undefined
    ? given
    : ({ ...given, options: { ...defaults, ...(given as { options?: object }).options } } as ClientOptions);
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
