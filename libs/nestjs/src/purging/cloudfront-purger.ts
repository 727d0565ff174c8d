import { randomUUID } from 'node:crypto';
import { CacheConfigError, readOptions, type Rule } from '@strata-cache/core';
import type { PurgeAnswer, PurgeBatch, Purger } from './purger.js';
import { asId, asRate, required, type PurgeRate } from './purger-options.js';

/** The input of CreateInvalidation, as `@aws-sdk/client-cloudfront` takes it. */
export interface CloudFrontInvalidation {
  readonly DistributionId: string;
  readonly InvalidationBatch: {
    readonly CallerReference: string;
    readonly Paths: { readonly Quantity: number; readonly Items: string[] };
  };
}

/** Options of {@link cloudFrontPurger}. */
export interface CloudFrontPurgerOptions {
  readonly distributionId: string;
  /** Sends a request that is signed elsewhere: `(input) => client.send(new CreateInvalidationCommand(input))`. */
  readonly createInvalidation: (input: CloudFrontInvalidation) => Promise<unknown>;
  /** Default 1 request a second, 5 at once. */
  readonly rate?: PurgeRate | undefined;
}

export const CLOUDFRONT_DEFAULTS = { rate: { perSecond: 1, burst: 5 } } as const;

const asSender: Rule = (value, option) => {
  if (typeof value === 'function') return value;
  throw new CacheConfigError(
    `${option}: expected a function such as (input) => client.send(new CreateInvalidationCommand(input))`,
  );
};

const RULES = { distributionId: asId, createInvalidation: asSender, rate: asRate };

/** Errors of the API that pass; everything with a status below 500 that is none of them does not. */
const PASSING = /Throttl|TooMany|RequestLimit|Timeout|Unavailable|InternalError/i;

/**
 * Purges a CloudFront distribution by cache tag or path. The distribution's `CacheTagConfig` must name the header `cloudfront-cache-tag`.
 * CloudFront knows no soft purge, and beyond a number of free ones each item costs money, also when a purge is repeated.
 * Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-tags.html
 * @throws CacheConfigError naming a wrong option
 */
export function cloudFrontPurger(options: CloudFrontPurgerOptions): Purger {
  const given = { ...CLOUDFRONT_DEFAULTS, ...readOptions('cloudFrontPurger', options, RULES) } as Record<string, any>;
  required('cloudFrontPurger', given, 'distributionId', 'createInvalidation');
  return {
    name: 'cloudfront',
    endpoints: [given.distributionId],
    tagHeader: 'cloudfront-cache-tag',
    soft: false,
    limits: { tagsPerRequest: 100, urlsPerRequest: 100, tagCharacters: 65_536, ...given.rate },
    async send(distributionId, batch): Promise<PurgeAnswer> {
      const items = itemsOf(batch);
      try {
        await given.createInvalidation({
          DistributionId: distributionId,
          InvalidationBatch: { CallerReference: randomUUID(), Paths: { Quantity: items.length, Items: items } },
        });
        return { outcome: 'done' };
      } catch (error) {
        return verdictOf(error);
      }
    },
  };
}

function itemsOf(batch: PurgeBatch): string[] {
  if (batch.kind === 'all') return ['/*'];
  if (batch.kind === 'tags') return batch.names.map((tag) => `#${tag}`);
  return batch.names.map((url) => {
    const { pathname, search } = new URL(url);
    return pathname + search;
  });
}

/** The SDK tells a status where there was an answer; without one it was the network. */
function verdictOf(error: unknown): PurgeAnswer {
  const {
    name = 'Error',
    message = '',
    $metadata,
  } = error as Partial<Error> & {
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const reason = `${status ?? ''} ${name}: ${message}`.trim().slice(0, 200);
  const passes = status === undefined || status === 429 || status >= 500 || PASSING.test(name);
  return { outcome: passes ? 'retry' : 'refused', reason };
}
