import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { CacheConfigError } from '@strata-cache/core';
import type { MethodSite } from '../decorated-method.js';
import { messages } from '../messages.js';

/**
 * What kind of per-request object a value is, or undefined. Express extends the objects of Node; Fastify and the HTTP/2
 * compatibility layer are told by their shape, for the library knows neither.
 */
export function requestObjectKind(value: object): string | undefined {
  if (value instanceof IncomingMessage) return 'a request';
  if (value instanceof ServerResponse) return 'a response';
  if (value instanceof Socket) return 'a socket';
  if (value instanceof Request) return 'a request';
  const shape = value as { raw?: unknown; stream?: unknown; headers?: unknown; switchToHttp?: unknown };
  if (typeof shape.switchToHttp === 'function') return 'an execution context';
  if (typeof shape.raw === 'object' && shape.raw !== null) return requestObjectKind(shape.raw);
  if (typeof shape.headers === 'object' && typeof shape.stream === 'object' && 'httpVersion' in value)
    return 'a request';
  return undefined;
}

/**
 * Refuses request objects among the first `count` parts of a key.
 * @throws CacheConfigError naming the method and the remedy
 */
export function refuseRequestObjects(parts: readonly unknown[], count: number, site: MethodSite): void {
  const end = count < parts.length ? count : parts.length;
  for (let index = 0; index < end; index++) {
    const part = parts[index];
    if (typeof part !== 'object' || part === null) continue;
    const kind = requestObjectKind(part);
    if (kind !== undefined) throw new CacheConfigError(messages.requestObject(site.name, site.decorator, kind));
  }
}
