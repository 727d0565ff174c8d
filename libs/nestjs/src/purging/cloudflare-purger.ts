import { asOneOf, asPositiveDuration, readOptions, systemClock, type Duration } from '@strata-cache/core';
import type { PurgeAnswer, PurgeBatch, Purger } from './purger.js';
import { asBaseUrl, asId, asRate, asSecret, required, type PurgeRate } from './purger-options.js';
import { answerOf, sendPurge, type PurgeResponse } from './purge-request.js';

/** A Cloudflare plan; it decides how often its API may be asked. */
export type CloudflarePlan = 'free' | 'pro' | 'business' | 'enterprise';

/** Options of {@link cloudflarePurger}. */
export interface CloudflarePurgerOptions {
  readonly zoneId: string;
  /** An API token with the permission "Cache Purge". */
  readonly token: string;
  /** The account's plan, for its rate limit. Default `'free'`: 5 requests a minute, 25 at once. */
  readonly plan?: CloudflarePlan | undefined;
  /** Default `https://api.cloudflare.com`. */
  readonly endpoint?: string | undefined;
  /** How long a request may take. Default `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** A share of the plan's limit, which holds for the whole account. Default: all of it. */
  readonly rate?: PurgeRate | undefined;
}

export const CLOUDFLARE_DEFAULTS = { plan: 'free', endpoint: 'https://api.cloudflare.com', timeout: 5_000 } as const;

/** https://developers.cloudflare.com/cache/how-to/purge-cache/ (July 2026). */
const RATES: Readonly<Record<CloudflarePlan, PurgeRate>> = {
  free: { perSecond: 5 / 60, burst: 25 },
  pro: { perSecond: 5, burst: 25 },
  business: { perSecond: 10, burst: 50 },
  enterprise: { perSecond: 50, burst: 500 },
};

const RULES = {
  zoneId: asId,
  token: asSecret,
  plan: asOneOf('free', 'pro', 'business', 'enterprise'),
  endpoint: asBaseUrl('https'),
  timeout: asPositiveDuration,
  rate: asRate,
};

/**
 * Purges a Cloudflare zone by cache tag or URL (at most 100 a request), or as a whole. Cloudflare knows no soft purge.
 * Source: https://developers.cloudflare.com/api/resources/cache/methods/purge/
 * @throws CacheConfigError naming a wrong option
 */
export function cloudflarePurger(options: CloudflarePurgerOptions): Purger {
  const given = { ...CLOUDFLARE_DEFAULTS, ...readOptions('cloudflarePurger', options, RULES) } as Record<string, any>;
  required('cloudflarePurger', given, 'zoneId', 'token');
  const { timeout } = given;
  const rate = given.rate ?? RATES[given.plan as CloudflarePlan];
  return {
    name: 'cloudflare',
    endpoints: [given.endpoint],
    tagHeader: 'cache-tag',
    soft: false,
    limits: { tagsPerRequest: 100, urlsPerRequest: 100, tagCharacters: 65_536, ...rate },
    async send(endpoint, batch, signal): Promise<PurgeAnswer> {
      const url = `${endpoint}/client/v4/zones/${given.zoneId}/purge_cache`;
      const headers = { Authorization: `Bearer ${given.token}`, 'Content-Type': 'application/json' };
      const request = { method: 'POST', url, headers, body: JSON.stringify(bodyOf(batch)), timeout };
      return verdictOf(await sendPurge(request, signal));
    },
  };
}

function bodyOf(batch: PurgeBatch): object {
  if (batch.kind === 'all') return { purge_everything: true };
  return batch.kind === 'tags' ? { tags: batch.names } : { files: batch.names };
}

/** Cloudflare can say no with status 200. */
function verdictOf(response: PurgeResponse): PurgeAnswer {
  const answer = answerOf(response, systemClock.wall());
  if (answer.outcome !== 'done' || isSuccess(response.body)) return answer;
  return { outcome: 'refused', reason: `200 ${response.body.replace(/\s+/g, ' ').slice(0, 200)}` };
}

function isSuccess(body: string): boolean {
  try {
    return (JSON.parse(body) as { success?: unknown }).success === true;
  } catch {
    return false;
  }
}
