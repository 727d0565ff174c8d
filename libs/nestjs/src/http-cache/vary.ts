import { combined, isToken, tokens, type FieldValue, type RequestFields } from './field.js';

/** The request fields a response depends on, lower case, each once; `*` when it depends on more than fields (RFC 9110 section 12.5.5). */
export type VaryFields = '*' | readonly string[];

/** Reads Vary, all lines together. A `*` anywhere, or a member that is no field name, is `*`: nobody can tell what it depends on. */
export function parseVary(value: FieldValue): VaryFields {
  const names = [...new Set(tokens(value))];
  return names.every((name) => name !== '*' && isToken(name)) ? names : '*';
}

/** Vary with more names: what others have put there (CORS, compression) stays. */
export function mergeVary(value: FieldValue, names: readonly string[]): string | undefined {
  const existing = combined(value)?.trim();
  const known = new Set(tokens(value));
  const added = names.filter((name) => !known.has(name.toLowerCase()));
  if (known.has('*') || added.length === 0) return existing;
  return existing === undefined || existing === '' ? added.join(', ') : `${existing}, ${added.join(', ')}`;
}

/** Fields whose values have no case (RFC 9110 sections 12.5.2 to 12.5.4). Their order is left alone: applications give it a meaning. */
const CASELESS = new Set(['accept-charset', 'accept-encoding', 'accept-language']);

/**
 * A field of a request in the form in which requests are compared (RFC 9111 section 4.1): lines combined, white space around commas
 * left out. Absent is null, which matches absent only.
 */
export function nominatedValue(fields: RequestFields, name: string): string | null {
  const value = combined(fields[name]);
  if (value === undefined) return null;
  const text = value
    .trim()
    .replace(/[ \t]*,[ \t]*/g, ',')
    .replace(/[ \t]+/g, ' ');
  return CASELESS.has(name) ? text.toLowerCase() : text;
}
