import { combined, tokens, type FieldValue } from './field.js';

/** A field as it is replayed: name as it was set, and its value. */
export type StoredField = readonly [name: string, value: string | string[]];

/** Fields of a response by lower-case name. */
export type ResponseFields = Readonly<Record<string, FieldValue>>;

/** Fields of one hop or one connection (RFC 9110 section 7.6.1, RFC 9111 section 3.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Fields of one request, one user or one moment: replayed they would lie. */
const OF_THE_MOMENT = [
  'set-cookie',
  'set-cookie2',
  'age',
  'cache-status',
  'server-timing',
  'x-request-id',
  'request-id',
  'x-correlation-id',
  'x-trace-id',
  'traceparent',
  'tracestate',
  'b3',
  'x-amzn-trace-id',
  'x-amzn-requestid',
  'x-cloud-trace-context',
  'x-response-time',
  'authentication-info',
  'authorization',
  'x-auth-token',
  'x-access-token',
  'csrf-token',
  'x-csrf-token',
  'x-xsrf-token',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
];

const NEVER_STORED = new Set([...HOP_BY_HOP, ...OF_THE_MOMENT]);
const NEVER_STORED_PREFIX = /^(?:access-control-|ratelimit-|x-ratelimit-|x-b3-|proxy-)/;

/**
 * The fields a stored response replays: those that were added or changed while it was made. What middleware had set before (CORS, security
 * headers, request ids) is of the request at hand, and is set for the next one again. Fields of a hop are never stored, nor those that
 * Connection names.
 */
export function storedFields(before: ResponseFields, after: ResponseFields): readonly StoredField[] {
  const named = new Set(tokens(after['connection']));
  const stored: StoredField[] = [];
  for (const [name, value] of Object.entries(after)) {
    const lower = name.toLowerCase();
    if (value === undefined || NEVER_STORED.has(lower) || NEVER_STORED_PREFIX.test(lower) || named.has(lower)) continue;
    if (combined(before[name]) === combined(value) && !isOurs(lower)) continue;
    stored.push([name, typeof value === 'object' ? [...value] : String(value)]);
  }
  return stored;
}

/** Needed on every hit, whoever set them first. */
function isOurs(name: string): boolean {
  return name === 'content-type' || name === 'vary' || name === 'cache-control' || name === 'etag' || name === 'date';
}

/** Representation metadata that a 304 leaves out (RFC 9110 section 15.4.5). */
export const NOT_ON_304: readonly string[] = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-range',
  'transfer-encoding',
];
