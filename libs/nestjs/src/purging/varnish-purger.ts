import { asBoolean, asPositiveDuration, readOptions, systemClock, type Duration } from '@strata-cache/core';
import type { PurgeAnswer, PurgeBatch, Purger } from './purger.js';
import { asEndpoints, asHeaders, asRate, required, type PurgeRate } from './purger-options.js';
import { answerOf, sendPurge } from './purge-request.js';

/** Options of {@link varnishPurger}. */
export interface VarnishPurgerOptions {
  /** Base URL of each Varnish, such as `http://varnish-1:6081`; every one is told. */
  readonly endpoints: string | readonly string[];
  /** Stale content may answer while it is renewed (`xkey.softpurge`). Default true. */
  readonly soft?: boolean | undefined;
  /** Sent with each purge, such as a token your VCL asks for. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long a request may take. Default `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** Default 50 requests a second, 100 at once. */
  readonly rate?: PurgeRate | undefined;
}

export const VARNISH_DEFAULTS = { soft: true, timeout: 5_000, rate: { perSecond: 50, burst: 100 } } as const;

const RULES = {
  endpoints: asEndpoints,
  soft: asBoolean,
  headers: asHeaders,
  timeout: asPositiveDuration,
  rate: asRate,
};

/**
 * Purges Varnish through `deploy/varnish/strata.vcl`: the method `PURGE` with the header `xkey-softpurge` or `xkey-purge` for tags (vmod xkey),
 * on the URL itself for URLs, and with `x-purge-all` for everything. Purges of URLs are hard.
 * @throws CacheConfigError naming a wrong option
 */
export function varnishPurger(options: VarnishPurgerOptions): Purger {
  const given = { ...VARNISH_DEFAULTS, ...readOptions('varnishPurger', options, RULES) } as Record<string, any>;
  required('varnishPurger', given, 'endpoints');
  const { timeout } = given;
  return {
    name: 'varnish',
    endpoints: given.endpoints,
    tagHeader: 'xkey',
    soft: given.soft,
    // A header line of Varnish ends at 8 KB by default (http_req_hdr_len).
    limits: { tagsPerRequest: 200, urlsPerRequest: 1, tagCharacters: 4_096, ...given.rate },
    async send(endpoint, batch, signal): Promise<PurgeAnswer> {
      const { url, headers } = requestOf(endpoint, batch);
      const answer = await sendPurge(
        { method: 'PURGE', url, headers: { ...given.headers, ...headers }, timeout },
        signal,
      );
      return answerOf(answer, systemClock.wall());
    },
  };
}

function requestOf(endpoint: string, batch: PurgeBatch): { url: string; headers: Record<string, string> } {
  if (batch.kind === 'all') return { url: `${endpoint}/`, headers: { 'x-purge-all': 'yes' } };
  if (batch.kind === 'tags') {
    const header = batch.soft ? 'xkey-softpurge' : 'xkey-purge';
    return { url: `${endpoint}/`, headers: { [header]: batch.names.join(' ') } };
  }
  // Varnish hashes by host and URL, so the Host of the site goes to the address of the node.
  const { host, pathname, search } = new URL(batch.names[0]);
  return { url: `${endpoint}${pathname}${search}`, headers: { Host: host } };
}
