/** The value of a header field as frameworks hold it: one line, several, or a number. */
export type FieldValue = string | number | readonly string[] | undefined;

/** Fields of a request by lower-case name, as `node:http` gives them. */
export type RequestFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** All lines of a field as one list value (RFC 9110 section 5.3); undefined when it is absent. */
export function combined(value: FieldValue): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'object' ? value.join(', ') : String(value);
}

/** What a field value may hold (RFC 9110 section 5.5): visible characters, obs-text, and spaces or tabs in between. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a text can be sent as a field value. A line break in one would start another field. */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a text is a token, as field names are (RFC 9110 section 5.6.2). */
export function isToken(text: unknown): text is string {
  return typeof text === 'string' && TOKEN.test(text);
}

/** The members of a list of tokens (RFC 9110 section 5.6.1), lower case, empty members left out. */
export function tokens(value: FieldValue): string[] {
  const text = combined(value);
  if (text === undefined) return [];
  return text
    .split(',')
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '');
}
