import { byteSize, duration, show, type ByteSize, type Duration } from './duration.js';
import { CacheConfigError } from './errors.js';

/** Checks one option and returns its resolved form. */
export type Rule<T = unknown> = (value: any, option: string) => T;

export const asDuration: Rule<number> = (value: Duration, option) => duration(value, option);

/** A limit on waiting: bare milliseconds below 1000 are common here and nobody means seconds by `200`. */
export const asTimeout: Rule<number> = (value: Duration, option) => {
  const ms = typeof value === 'number' && value >= 100 && value < 1000 ? value : duration(value, option);
  return ms > 0 ? ms : fail(option, "a duration above 0 (leave it out for 'no limit')", value);
};

export const asPositiveDuration: Rule<number> = (value: Duration, option) => {
  const ms = duration(value, option);
  return ms > 0 ? ms : fail(option, "a duration above 0, such as '5m'", value);
};

export const asBytes: Rule<number> = (value: ByteSize, option) => byteSize(value, option);

export const asBoolean: Rule<boolean> = (value, option) =>
  typeof value === 'boolean' ? value : fail(option, 'true or false', value);

export const asFunction: Rule = (value, option) =>
  typeof value === 'function' ? value : fail(option, 'a function', value);

export const asObject: Rule = (value, option) =>
  typeof value === 'object' && value !== null ? value : fail(option, 'an object', value);

/** @param what how to get one, for the message */
export function asHaving(what: string, ...methods: readonly string[]): Rule<any> {
  return (value, option) =>
    methods.every((method) => typeof value?.[method] === 'function') ? value : fail(option, what, value);
}

export const asIs: Rule = (value) => value;

export function asOneOf<T extends string>(...choices: readonly T[]): Rule<T> {
  return (value, option) =>
    choices.includes(value) ? value : fail(option, choices.map((choice) => `'${choice}'`).join(' or '), value);
}

export function asInteger(min: number, max: number): Rule<number> {
  return (value, option) =>
    Number.isInteger(value) && value >= min && value <= max
      ? value
      : fail(option, `a whole number from ${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53' : max}`, value);
}

export function asFraction(min: number, max: number): Rule<number> {
  return (value, option) =>
    typeof value === 'number' && value >= min && value <= max
      ? value
      : fail(option, `a number from ${min} to ${max}`, value);
}

export function asName(pattern: RegExp, what: string): Rule<string> {
  return (value, option) => (typeof value === 'string' && pattern.test(value) ? value : fail(option, what, value));
}

function fail(option: string, expected: string, got: unknown): never {
  throw new CacheConfigError(`${option}: expected ${expected}, got ${show(got)}`);
}

/**
 * Reads an options object against its rules. Options that are absent or `undefined` are left out of the result.
 * @param where what is being configured, e.g. `defineCache("product")`
 * @throws CacheConfigError naming the option: unknown, or refused by its rule
 */
export function readOptions(where: string, given: unknown, rules: Record<string, Rule>): Record<string, any> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new CacheConfigError(`${where}: expected an options object, got ${show(given)}`);
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name)) {
      throw new CacheConfigError(
        `${where}: unknown option "${name}"; known options are ${Object.keys(rules).join(', ')}`,
      );
    }
    if (value !== undefined) {
      resolved[name] = rules[name](value, `${where}: ${name}`);
    }
  }
  return resolved;
}
