import { asBoolean, asPositiveDuration, readOptions, systemClock, type Duration } from '@strata-cache/core';
import type { PurgeAnswer, PurgeBatch, Purger } from './purger.js';
import { asBaseUrl, asId, asRate, asSecret, required, type PurgeRate } from './purger-options.js';
import { answerOf, sendPurge } from './purge-request.js';

/** Options of {@link fastlyPurger}. */
export interface FastlyPurgerOptions {
  readonly serviceId: string;
  /** An API token with the scope `purge_select` (and `purge_all`, where that is used). */
  readonly token: string;
  /** Mark stale instead of removing (`Fastly-Soft-Purge`). Default true. */
  readonly soft?: boolean | undefined;
  /** Default `https://api.fastly.com`. */
  readonly endpoint?: string | undefined;
  /** How long a request may take. Default `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** Default 10 requests a second, 50 at once. */
  readonly rate?: PurgeRate | undefined;
}

export const FASTLY_DEFAULTS = {
  soft: true,
  endpoint: 'https://api.fastly.com',
  timeout: 5_000,
  rate: { perSecond: 10, burst: 50 },
} as const;

const RULES = {
  serviceId: asId,
  token: asSecret,
  soft: asBoolean,
  endpoint: asBaseUrl('https'),
  timeout: asPositiveDuration,
  rate: asRate,
};

/**
 * Purges a Fastly service by surrogate key (at most 256 a request), URL, or as a whole, which Fastly does not do softly.
 * Source: the purge API, https://www.fastly.com/documentation/reference/api/purging/
 * @throws CacheConfigError naming a wrong option
 */
export function fastlyPurger(options: FastlyPurgerOptions): Purger {
  const given = { ...FASTLY_DEFAULTS, ...readOptions('fastlyPurger', options, RULES) } as Record<string, any>;
  required('fastlyPurger', given, 'serviceId', 'token');
  const { timeout } = given;
  return {
    name: 'fastly',
    endpoints: [given.endpoint],
    tagHeader: 'surrogate-key',
    soft: given.soft,
    limits: { tagsPerRequest: 256, urlsPerRequest: 1, tagCharacters: 65_536, ...given.rate },
    async send(endpoint, batch, signal): Promise<PurgeAnswer> {
      const { path, body } = requestOf(given.serviceId, batch);
      const headers = {
        Accept: 'application/json',
        'Fastly-Key': given.token,
        ...(batch.kind !== 'all' && batch.soft && { 'Fastly-Soft-Purge': '1' }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      };
      const request = { method: 'POST', url: `${endpoint}${path}`, headers, body, timeout };
      return answerOf(await sendPurge(request, signal), systemClock.wall());
    },
  };
}

function requestOf(service: string, batch: PurgeBatch): { path: string; body?: string } {
  if (batch.kind === 'all') return { path: `/service/${service}/purge_all` };
  if (batch.kind === 'tags') {
    return { path: `/service/${service}/purge`, body: JSON.stringify({ surrogate_keys: batch.names }) };
  }
  const { host, pathname, search } = new URL(batch.names[0]);
  return { path: `/purge/${host}${pathname}${search}` };
}
