import { combined, type RequestFields } from './field.js';

/** What makes a request one of a certain user, resolved. */
export interface IdentityRule {
  /** Lower case. */
  readonly headers: readonly string[];
  readonly cookies: boolean | readonly string[];
  readonly user: (request: any) => unknown;
}

/**
 * Why a request counts as one of a certain user, or undefined for an anonymous one. Asked on entry and again when the response is
 * committed: middleware, guards and pipes may set the user in between, and the stricter answer counts.
 */
export function identityOf(rule: IdentityRule, fields: RequestFields, request: unknown): string | undefined {
  for (const name of rule.headers) {
    if (fields[name] !== undefined) return name;
  }
  if (rule.cookies !== false && fields['cookie'] !== undefined && hasCookie(rule.cookies, fields['cookie'])) {
    return 'cookie';
  }
  const user = rule.user(request);
  return user === undefined || user === null ? undefined : 'user';
}

function hasCookie(wanted: true | readonly string[], field: string | readonly string[]): boolean {
  if (wanted === true) return true;
  const pairs = (combined(field) ?? '').split(/[;,]/);
  return pairs.some((pair) => wanted.includes(pair.split('=', 1)[0].trim()));
}
