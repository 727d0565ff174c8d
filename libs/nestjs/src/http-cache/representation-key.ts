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
  readonly host: string;
  /** Path and query as they were sent: decoding would let two resources meet. */
  readonly target: string;
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
export function resourceKey({ salt, host, target, query, version, by }: KeyParts): string {
  const path = query === 'all' ? target : pickQuery(target, query);
  return [salt, host, path, version, by].join(PART);
}

/** The key of one variant. Plain text where nothing varies, which is cheap to make and to read in Redis. */
export function representationKey(parts: KeyParts): string {
  const resource = resourceKey(parts);
  return parts.guard === '' && parts.vary === '' ? resource : resource + PART + variantKey(parts);
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

/** Only these parameters, in the order of the list; several of one name in their own order. */
function pickQuery(target: string, names: readonly string[]): string {
  const at = target.indexOf('?');
  if (at < 0) return target;
  const given = new URLSearchParams(target.slice(at + 1));
  const picked = new URLSearchParams();
  for (const name of names) {
    for (const value of given.getAll(name)) picked.append(name, value);
  }
  const query = picked.toString();
  return query === '' ? target.slice(0, at) : `${target.slice(0, at)}?${query}`;
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
