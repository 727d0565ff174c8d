import { createHash } from 'node:crypto';

/** Longest tag every supported CDN takes: Akamai 128, CloudFront 256, Fastly 1,024 characters. */
const MAX_CDN_TAG = 128;
const HASH_CHARACTERS = 24;

/** Carried by a response instead of a list of tags that does not fit a header. It may stand for any tag, so it is purged with every one. */
export const CATCH_ALL_TAG = 'strata:too-many-tags';

/**
 * A cache tag as CDNs see it, in response headers and in purges alike: lower case (Cloudflare and CloudFront compare without regard to
 * case), of `a-z 0-9 : _ . / -` only, and at most 128 characters. A tag that had to be changed beyond its case ends in a hash of the
 * original, so that two different ones stay different; nothing is ever silently cut.
 */
export function cdnTag(tag: string): string {
  const lower = tag.toLowerCase();
  const plain = lower.replace(/[^a-z0-9:_./-]/g, '_');
  if (plain === lower && plain.length <= MAX_CDN_TAG) return plain;
  const hash = createHash('sha256').update(tag).digest('hex').slice(0, HASH_CHARACTERS);
  return `${plain.slice(0, MAX_CDN_TAG - HASH_CHARACTERS - 1)}.${hash}`;
}
