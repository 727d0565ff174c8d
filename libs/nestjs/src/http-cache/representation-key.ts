import { BoundedMap } from './bounded-map.js';
import { digest } from './entity-tag.js';
import { combined, type RequestFields } from './field.js';

/**
 * Request fields that frameworks and applications read although no cache has them in its key: a response that reflects one would be
 * served to everybody ("web cache poisoning"). Their values are part of the key, so that whoever sends them gets entries of his own, and
 * the limit of variants bounds how many. Behind a proxy that always sets them they are constant and cost nothing.
 */
export const UNKEYED_FIELDS: readonly string[] = [
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-host',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-method-override',
];

/** What a stored response is found by, apart from the fields its Vary names. */
export interface KeyParts {
  readonly salt: string;
  /** Which handler answers: what chooses among several at one URL, such as a version, need not be known here. */
  readonly handler: string;
  readonly host: string;
  /** Path and query as they were sent: decoding would let two resources meet. */
  readonly target: string;
  /** Where it was routed, if middleware has rewritten it; else empty. */
  readonly routed: string;
  readonly query: 'all' | readonly string[];
  /** The entity tag of the current version, where the route has one: another version has entries of its own. */
  readonly version: string;
  /** Values of {@link UNKEYED_FIELDS}, if any was sent. */
  readonly guard: string;
  /** What `store.by` returned. */
  readonly by: string;
  /** Values of the fields the route varies by, in their order. */
  readonly vary: string;
}

/** Between parts. Field values and URLs hold no control characters, so no part can pose as two. */
const PART = '\u0001';

/** The key of a URL with all its variants: what their number is counted by. */
export function resourceKey({ salt, handler, host, target, routed, query, version, by }: KeyParts): string {
  const path = query === 'all' ? target : pickQuery(target, query);
  return [salt, handler, host, path, routed, version, by].join(PART);
}

/** The key of one variant. Plain text where nothing varies, which is cheap to make and to read in Redis. */
export function representationKey(parts: KeyParts): string {
  const resource = resourceKey(parts);
  return inAlphabet(parts.guard === '' && parts.vary === '' ? resource : resource + PART + variantKey(parts));
}

/** Keys as the engine takes them, by their text: to encode one takes longer than the rest of a look into the first tier. */
const encoded = new BoundedMap<string, string>(2_000);
/** Clients choose how long their URLs are; a longer text is left to the engine, which hashes it. */
const MAX_KEPT = 256;
const OUTSIDE = /[^0-9A-Za-z\-_.,/+$]/g;

/** The same text in characters that the engine's keys hold as they are; different texts stay different, for `=` is encoded as well. */
function inAlphabet(text: string): string {
  if (text.length > MAX_KEPT) return text;
  let key = encoded.get(text);
  if (key === undefined) {
    key = text.replace(OUTSIDE, (character) => `=${character.charCodeAt(0).toString(16).padStart(2, '0')}=`);
    encoded.set(text, key);
  }
  return key;
}

export function variantKey({ guard, vary }: Pick<KeyParts, 'guard' | 'vary'>): string {
  return digest(`${guard}${PART}${PART}${vary}`);
}

/** Values of fields in the order of their names, told from each other and from absence. */
export function fieldsKey(values: readonly (string | null)[]): string {
  return values.map((value) => (value === null ? '-' : `+${value}`)).join(PART);
}

/** The values of the guarded fields; empty when none was sent, as usual. */
export function guardKey(guarded: readonly string[], fields: RequestFields): string {
  let key = '';
  for (const name of guarded) {
    const value = fields[name];
    if (value !== undefined) key += `${name}${PART}${combined(value)}${PART}`;
  }
  return key;
}

/** Parsers of frameworks stop reading at 1,000 parameters, unseen by us: beyond this the whole query counts. */
const MAX_PARAMETERS = 100;

/**
 * Only these parameters, in the order of the list; several of one name in their own order. Where a framework could read the query otherwise
 * than this does, one URL could be stored under the key of another, so then all of it counts.
 */
function pickQuery(target: string, names: readonly string[]): string {
  const at = target.indexOf('?');
  if (at < 0) return target;
  // Behind `&`, for URLSearchParams leaves out a leading `?`, and `??page=2` has no parameter `page`.
  const given = [...new URLSearchParams(`&${target.slice(at + 1)}`)];
  const isPlain = given.length <= MAX_PARAMETERS && !given.some((pair) => pair.join('').includes('\ufffd'));
  if (!isPlain) return target;
  const picked = new URLSearchParams();
  for (const name of names) {
    for (const [key, value] of given) {
      if (key === name || rootOf(key) === name) picked.append(key, value);
    }
  }
  const query = picked.toString();
  return query === '' ? target.slice(0, at) : `${target.slice(0, at)}?${query}`;
}

/** What `a[]`, `a[b]`, `[a]` and `a.b` become a part of where an application parses queries with qs. */
function rootOf(parameter: string): string {
  return parameter.replace(/^\[/, '').split(/[.[\]]/, 1)[0];
}

/** The tag by which a URL's stored responses are invalidated when it is written to, with every query and variant (RFC 9111 section 4.4). */
export function resourceTag(host: string, target: string): string {
  const at = target.search(/[?#]/);
  return `http:${digest(`${host.toLowerCase()}${PART}${at < 0 ? target : target.slice(0, at)}`)}`;
}

/**
 * The path of a Location or Content-Location if it names a resource of the same origin as the request, else undefined: another origin's
 * responses are none of our business (RFC 9111 section 4.4).
 */
export function sameOriginTarget(location: string, protocol: string, host: string, target: string): string | undefined {
  const base = `${protocol}://${host}`;
  if (!URL.canParse(target, base) || !URL.canParse(location, new URL(target, base).href)) return undefined;
  const url = new URL(location, new URL(target, base));
  return url.origin === new URL(base).origin ? url.pathname + url.search : undefined;
}
