import { CATCH_ALL_TAG, cdnTag } from '../cdn-tag.js';

/** How a CDN writes its list of tags, and how much of it takes. */
interface TagFormat {
  readonly separator: ' ' | ',' | ', ';
  readonly quoted?: boolean;
  readonly maxTags: number;
  readonly maxCharacters: number;
}

/** Fastly ignores keys past 16 KB and Cloudflare takes 16 KB and about 1,000 tags; proxies refuse headers long before that. */
const SPACED: TagFormat = { separator: ' ', maxTags: 1_000, maxCharacters: 8_000 };
const LISTED: TagFormat = { separator: ',', maxTags: 1_000, maxCharacters: 8_000 };

const FORMATS: Readonly<Record<string, TagFormat>> = {
  'surrogate-key': SPACED,
  xkey: SPACED,
  'cache-tag': LISTED,
  'edge-cache-tag': LISTED,
  // CloudFront reads the header it is told to, and leaves out what comes after the 50th tag.
  'cloudfront-cache-tag': { separator: ',', maxTags: 50, maxCharacters: 8_000 },
  'cdn-tag': LISTED,
  'netlify-cache-tag': LISTED,
  'vercel-cache-tag': LISTED,
  // A Structured-Field list of strings; caches need only support 32 of them (RFC 9875 section 2).
  'cache-groups': { separator: ', ', quoted: true, maxTags: 32, maxCharacters: 2_000 },
};

export interface TagField {
  readonly name: string;
  readonly value: string;
  /** The list did not fit; the value is {@link CATCH_ALL_TAG}. */
  readonly degraded: boolean;
}

/** Whether a field name is one whose syntax is known here. */
export function isTagHeader(name: string): boolean {
  return Object.hasOwn(FORMATS, name.toLowerCase());
}

export const TAG_HEADERS: readonly string[] = Object.keys(FORMATS);

/**
 * The fields that tell CDNs the tags of a response, in the form in which purges name them. A list is whole or not there: a tag that is
 * silently cut off is a response that no purge reaches, so what does not fit becomes the one tag {@link CATCH_ALL_TAG}.
 */
export function tagFields(headers: readonly string[], tags: readonly string[]): readonly TagField[] {
  if (tags.length === 0 || headers.length === 0) return [];
  const names = [...new Set(tags.map(cdnTag))];
  return headers.map((name) => {
    const { separator, quoted = false, maxTags, maxCharacters } = FORMATS[name.toLowerCase()] ?? SPACED;
    const value = (quoted ? names.map((tag) => `"${tag}"`) : names).join(separator);
    const fits = names.length <= maxTags && value.length <= maxCharacters;
    if (fits) return { name, value, degraded: false };
    return { name, value: quoted ? `"${CATCH_ALL_TAG}"` : CATCH_ALL_TAG, degraded: true };
  });
}
