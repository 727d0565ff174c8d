import { CacheConfigError } from '@strata-cache/core';
import type { MethodSite } from './decorated-method.js';
import { messages } from './messages.js';

/** What an option must be: the name of a type, or the list of allowed words. */
export type OptionRule = 'function' | 'boolean' | 'any' | readonly (string | boolean)[];

/** @throws CacheConfigError naming an option that is unknown or of a wrong kind, and the known ones */
export function checkOptions(options: object, rules: Readonly<Record<string, OptionRule>>, site: MethodSite): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new CacheConfigError(messages.unknownOption(site.name, site.decorator, name, Object.keys(rules)));
    }
    const rule = rules[name];
    if (value === undefined || rule === 'any') continue;
    const fits = typeof rule === 'string' ? typeof value === rule : rule.includes(value as string | boolean);
    if (!fits) {
      const expected =
        typeof rule === 'string'
          ? `a ${rule}`
          : rule.map((word) => (typeof word === 'string' ? `'${word}'` : word)).join(' or ');
      throw new CacheConfigError(messages.badOption(site.name, site.decorator, name, expected, JSON.stringify(value)));
    }
  }
}
