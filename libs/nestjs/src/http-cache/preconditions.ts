import { matchesStrongly, matchesWeakly, parseEntityTags, type EntityTags } from './entity-tag.js';
import type { RequestFields } from './field.js';
import { parseHttpDate } from './http-date.js';

/** What is known of the selected representation before or after it is made. */
export interface CurrentState {
  /** False: there is none, e.g. the row does not exist. */
  readonly exists: boolean;
  readonly etag?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly lastModified?: number | undefined;
}

/** `304` and `412` answer the request; `proceed` runs it. */
export type Verdict = 'proceed' | 304 | 412;

export interface ConditionalRequest {
  readonly method: string;
  readonly fields: RequestFields;
  /** The current time, ms since the epoch. */
  readonly now: number;
  /** How If-Match compares; default strongly (RFC 9110 section 13.1.1). */
  readonly matches?: ((sent: string, current: string) => boolean) | undefined;
}

/** Whether a request carries any condition at all: most do not, and nothing need be computed for them. */
export function isConditional({ method, fields }: Pick<ConditionalRequest, 'method' | 'fields'>): boolean {
  return (
    !isExempt(method) &&
    (fields['if-none-match'] !== undefined ||
      fields['if-modified-since'] !== undefined ||
      fields['if-match'] !== undefined ||
      fields['if-unmodified-since'] !== undefined)
  );
}

/**
 * Whether a reader has just what there is, by the one tag it sent: what {@link evaluatePreconditions} would find, without taking apart
 * what was sent. Most conditional requests are of this kind.
 * @param etag a valid entity tag
 */
export function hasCurrent({ method, fields }: Pick<ConditionalRequest, 'method' | 'fields'>, etag?: string): boolean {
  return (
    etag !== undefined &&
    fields['if-none-match'] === etag &&
    fields['if-match'] === undefined &&
    fields['if-unmodified-since'] === undefined &&
    (method === 'GET' || method === 'HEAD')
  );
}

/** Whether a request says what state it expects to change (RFC 6585 section 3): If-Match, If-Unmodified-Since or If-None-Match. */
export function saysWhatItExpects(fields: RequestFields): boolean {
  return (
    fields['if-match'] !== undefined ||
    fields['if-unmodified-since'] !== undefined ||
    fields['if-none-match'] !== undefined
  );
}

/** Methods that neither select nor change a representation ignore conditions (RFC 9110 section 13.2.1). */
function isExempt(method: string): boolean {
  return method === 'OPTIONS' || method === 'TRACE' || method === 'CONNECT';
}

/** RFC 9110 section 13.2.2, its steps in their order. If-Range (step 5) is not ours: nothing here makes a 206. */
export function evaluatePreconditions(request: ConditionalRequest, state: CurrentState): Verdict {
  const { method, fields } = request;
  if (isExempt(method)) return 'proceed';
  const safe = method === 'GET' || method === 'HEAD';
  // 1 and 2: what a writer expects.
  const ifMatch = parseEntityTags(fields['if-match']);
  if (ifMatch !== undefined) {
    if (!isMatch(ifMatch, state, request.matches ?? matchesStrongly)) return 412;
  } else if (!isUnmodifiedSince(request, state)) return 412;
  // 3 and 4: what a reader has.
  const ifNoneMatch = parseEntityTags(fields['if-none-match']);
  if (ifNoneMatch !== undefined) {
    if (isMatch(ifNoneMatch, state, matchesWeakly)) return safe ? 304 : 412;
  } else if (safe && !isModifiedSince(request, state)) return 304;
  return 'proceed';
}

/** If-Match with strong, If-None-Match with weak comparison (RFC 9110 sections 13.1.1 and 13.1.2); `*` asks for existence only. */
function isMatch(tags: EntityTags, state: CurrentState, matches: (sent: string, current: string) => boolean): boolean {
  if (!state.exists) return false;
  if (tags === '*') return true;
  const { etag } = state;
  return etag !== undefined && tags.some((tag) => matches(tag, etag));
}

/** RFC 9110 section 13.1.4. True as well where the condition is to be ignored: no valid date, or no modification date to compare. */
function isUnmodifiedSince({ fields, now }: ConditionalRequest, { exists, lastModified }: CurrentState): boolean {
  const since = dateOf(fields['if-unmodified-since'], now);
  if (since === undefined || !exists || lastModified === undefined) return true;
  return wholeSecond(lastModified) <= since;
}

/** RFC 9110 section 13.1.3. True as well where the condition is to be ignored. */
function isModifiedSince({ fields, now }: ConditionalRequest, { exists, lastModified }: CurrentState): boolean {
  const since = dateOf(fields['if-modified-since'], now);
  if (since === undefined || !exists || lastModified === undefined) return true;
  return wholeSecond(lastModified) > since;
}

/** Exactly one value that is an HTTP-date. */
function dateOf(value: string | readonly string[] | undefined, now: number): number | undefined {
  return typeof value === 'string' ? parseHttpDate(value.trim(), now) : undefined;
}

/** HTTP-dates know no milliseconds: compared with them, a later fraction of the same second would look like a change. */
function wholeSecond(instant: number): number {
  return instant - (((instant % 1_000) + 1_000) % 1_000);
}
