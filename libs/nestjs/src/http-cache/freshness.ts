import { deltaSeconds, type Directives } from './cache-control.js';
import { combined, type FieldValue } from './field.js';
import { parseHttpDate } from './http-date.js';

/** The fields of a response that say how long it is fresh. */
export interface FreshnessFields {
  readonly directives: Directives;
  readonly expires: FieldValue;
  readonly date: FieldValue;
  readonly age: FieldValue;
}

/** All in ms. */
export interface Freshness {
  /** From when it was made, as long as it said. */
  readonly lifetime: number;
  /** How old it was on arrival. */
  readonly age: number;
  /** How long after that it may be used while it is being revalidated (RFC 5861 section 3). */
  readonly staleWhileRevalidate: number;
  /** ... and when that fails (RFC 5861 section 4). */
  readonly staleIfError: number;
}

/** Explicit freshness only (RFC 9111 section 4.2.1): what says nothing is not fresh, for there are no heuristics here. */
export function freshnessOf(fields: FreshnessFields, now: number): Freshness {
  const { directives } = fields;
  const stale = mayBeStale(directives);
  return {
    lifetime: lifetimeOf(fields, now),
    age: ageOf(fields, now),
    staleWhileRevalidate: stale ? (deltaSeconds(directives, 'stale-while-revalidate') ?? 0) * 1_000 : 0,
    staleIfError: stale ? (deltaSeconds(directives, 'stale-if-error') ?? 0) * 1_000 : 0,
  };
}

/** RFC 9111 section 4.2.1, for a shared cache: s-maxage, else max-age, else Expires - Date. */
function lifetimeOf({ directives, expires, date }: FreshnessFields, now: number): number {
  const seconds = deltaSeconds(directives, 's-maxage') ?? deltaSeconds(directives, 'max-age');
  if (seconds !== undefined) return seconds * 1_000;
  if (expires === undefined) return 0;
  // Several lines, or anything but a date (such as "0"): in the past (section 5.3).
  const until = typeof expires === 'object' && expires.length > 1 ? undefined : dateOf(expires, now);
  return until === undefined ? 0 : Math.max(0, until - (dateOf(date, now) ?? now));
}

/** RFC 9111 section 4.2.3, with no time on the way: the handler is here. */
function ageOf({ date, age }: FreshnessFields, now: number): number {
  const made = dateOf(date, now) ?? now;
  return Math.max(0, now - made, parseAge(age) * 1_000);
}

/** Of a list the first member; what is no non-negative integer is ignored (RFC 9111 section 5.1). */
export function parseAge(value: FieldValue): number {
  const first = combined(value)?.split(',', 1)[0].trim();
  return first !== undefined && /^\d+$/.test(first) ? Math.min(Number(first), 2 ** 31) : 0;
}

/** Whether a response allows any use when stale (RFC 9111 section 4.2.4); s-maxage implies proxy-revalidate (section 5.2.2.10). */
export function mayBeStale(directives: Directives): boolean {
  return !['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage'].some((name) => directives.has(name));
}

function dateOf(value: FieldValue, now: number): number | undefined {
  const text = combined(value)?.trim();
  return text === undefined ? undefined : parseHttpDate(text, now);
}
