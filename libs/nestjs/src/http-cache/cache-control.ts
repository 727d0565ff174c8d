import { combined, type FieldValue } from './field.js';

/** Directives by lower-case name; the argument of each, or null without one. Duplicates keep every argument, in order. */
export type Directives = ReadonlyMap<string, readonly (string | null)[]>;

/** Larger numbers count as this one, i.e. for ever (RFC 9111 section 1.2.2). */
export const MAX_DELTA_SECONDS = 2 ** 31;

/** One directive: a token, and perhaps a token or quoted-string after `=` without spaces around it. */
const DIRECTIVE =
  /[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]*)))?[ \t]*(?=,|$)/y;
/** What is no directive is skipped up to the next comma outside quotes. */
const GARBAGE = /(?:"(?:[^"\\]|\\.)*"|[^",]|")+/y;

/**
 * Reads Cache-Control (RFC 9111 section 5.2): quote-aware, so that `ext="max-age=60"` sets no max-age; names without regard to case; all
 * lines together. What does not parse is ignored.
 */
export function parseCacheControl(value: FieldValue): Directives {
  const found = new Map<string, (string | null)[]>();
  const text = combined(value) ?? '';
  for (let at = 0; at < text.length;) {
    DIRECTIVE.lastIndex = at;
    const match = DIRECTIVE.exec(text);
    if (match === null) {
      GARBAGE.lastIndex = at;
      at += Math.max(1, GARBAGE.exec(text)?.[0].length ?? 1);
      continue;
    }
    at = DIRECTIVE.lastIndex;
    const name = match[1].toLowerCase();
    const argument = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? null;
    found.set(name, [...(found.get(name) ?? []), argument]);
  }
  return found;
}

const DELTA = /^\d+$/;

/**
 * The seconds of a directive, or undefined when it is absent. Of several the lowest counts, and an argument that is no number counts
 * as 0: RFC 9111 section 4.2.1 encourages to consider such responses stale.
 */
export function deltaSeconds(directives: Directives, name: string): number | undefined {
  const given = directives.get(name);
  if (given === undefined) return undefined;
  return Math.min(...given.map((text) => (text !== null && DELTA.test(text) ? clampDelta(Number(text)) : 0)));
}

/** Whole seconds of a duration in ms, as directives take them (RFC 9111 section 1.2.2): rounded down, at most 2^31. */
export function secondsOf(ms: number): number {
  return clampDelta(Math.floor(ms / 1_000));
}

function clampDelta(seconds: number): number {
  return Math.min(seconds, MAX_DELTA_SECONDS);
}

/** What a response may say about itself, durations in ms. Nothing else is ever emitted. */
export interface ResponseDirectives {
  readonly visibility: 'public' | 'private' | 'no-store' | undefined;
  readonly noCache?: boolean | undefined;
  readonly maxAge?: number | undefined;
  readonly sMaxAge?: number | undefined;
  readonly mustRevalidate?: boolean | undefined;
  readonly immutable?: boolean | undefined;
  readonly noTransform?: boolean | undefined;
  readonly staleWhileRevalidate?: number | undefined;
  readonly staleIfError?: number | undefined;
}

/** The text of Cache-Control (RFC 9111 section 5.2.2, RFC 5861, RFC 8246). */
export function formatCacheControl(directives: ResponseDirectives): string {
  const { visibility, noCache, maxAge, sMaxAge, mustRevalidate, immutable, noTransform } = directives;
  if (visibility === 'no-store') return 'no-store';
  const parts: string[] = visibility === undefined ? [] : [visibility];
  if (noCache === true) parts.push('no-cache');
  if (maxAge !== undefined) parts.push(`max-age=${secondsOf(maxAge)}`);
  if (sMaxAge !== undefined) parts.push(`s-maxage=${secondsOf(sMaxAge)}`);
  if (mustRevalidate === true) parts.push('must-revalidate');
  if (immutable === true) parts.push('immutable');
  if (noTransform === true) parts.push('no-transform');
  const { staleWhileRevalidate, staleIfError } = directives;
  if (staleWhileRevalidate !== undefined) parts.push(`stale-while-revalidate=${secondsOf(staleWhileRevalidate)}`);
  if (staleIfError !== undefined) parts.push(`stale-if-error=${secondsOf(staleIfError)}`);
  return parts.join(', ');
}
