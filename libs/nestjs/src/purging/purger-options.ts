import { CacheConfigError, type Rule } from '@strata-cache/core';

/** How often a CDN may be asked. */
export interface PurgeRate {
  /** Requests a second in the long run. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

/** A secret in a header. It never appears in a message. */
export const asSecret: Rule<string> = (value, option) => {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value)) return value;
  throw new CacheConfigError(`${option}: expected a token of printable ASCII characters without spaces`);
};

export const asId: Rule<string> = (value, option) => {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(value)) return value;
  throw new CacheConfigError(`${option}: expected an id of letters, digits, "_" and "-"`);
};

export const asRate: Rule<PurgeRate> = (value, option) => {
  const { perSecond, burst } = (value ?? {}) as Partial<PurgeRate>;
  if (typeof perSecond === 'number' && perSecond > 0 && Number.isFinite(perSecond) && Number.isInteger(burst)) {
    if (burst! >= 1) return { perSecond, burst: burst! };
  }
  throw new CacheConfigError(
    `${option}: expected { perSecond, burst } with requests a second above 0 and a whole number of at least 1`,
  );
};

/** A base URL without a trailing slash. Plain http is left to servers of one's own network: it would show the token to everybody. */
export function asBaseUrl(protocols: 'http and https' | 'https'): Rule<string> {
  return (value, option) => {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
    const isPlain = url?.protocol === 'http:' && (protocols !== 'https' || isLoopback(url.hostname));
    if (url === undefined || (url.protocol !== 'https:' && !isPlain) || url.search !== '' || url.hash !== '') {
      const expected = protocols === 'https' ? 'an https:// URL' : 'a URL such as "http://varnish:6081"';
      throw new CacheConfigError(`${option}: expected ${expected} without query`);
    }
    if (url.username !== '' || url.password !== '') {
      throw new CacheConfigError(`${option}: expected a URL without credentials; give them as headers`);
    }
    return url.href.replace(/\/+$/, '');
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

export const asEndpoints: Rule<readonly string[]> = (value, option) => {
  const given = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(given) || given.length === 0) {
    throw new CacheConfigError(`${option}: expected one base URL or several, such as "http://varnish:6081"`);
  }
  const urls = given.map((one) => asBaseUrl('http and https')(one, option));
  return [...new Set(urls)];
};

export const asHeaders: Rule<Readonly<Record<string, string>>> = (value, option) => {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const ok = entries.every(
    ([name, text]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof text === 'string' && /^[\x20-\x7e]*$/.test(text),
  );
  if (entries.length > 0 && ok) return value;
  throw new CacheConfigError(`${option}: expected an object of header names and printable ASCII values`);
};

/** @throws CacheConfigError naming what is missing */
export function required(where: string, given: Record<string, unknown>, ...names: readonly string[]): void {
  for (const name of names) {
    if (given[name] === undefined) throw new CacheConfigError(`${where}: ${name} is required`);
  }
}
