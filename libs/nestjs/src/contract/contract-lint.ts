import {
  asOneOf,
  asPositiveDuration,
  CacheConfigError,
  readOptions,
  type Duration,
  type Rule,
} from '@strata-cache/core';
import type { CacheContract } from './cache-contract.js';
import type { CacheContractEntry } from './contract-entry.js';
import type { Aim } from './contract-parts.js';
import { contractMessages } from './contract-messages.js';
import { mayMeet } from './sketch.js';

/** What the lint can find. */
export type ContractRule = 'never-cleared' | 'aims-at-nothing' | 'unknown-tag' | 'two-owners' | 'one-ttl';

/** What is done about findings. */
export type LintLevel = 'warn' | 'error' | 'off';

/** `lint` of `CacheModule.forRoot`, where the level alone does not do. */
export interface LintOptions {
  /** `'warn'` (default): findings are logged; `'error'`: they fail the boot; `'off'`: nobody looks. */
  readonly level?: LintLevel | undefined;
  /** A cache that nothing clears may be fresh for this long. Default `'15m'`. */
  readonly maxTtl?: Duration | undefined;
  /** Findings to pass over: `rule:subject`, as their messages say. */
  readonly ignore?: readonly string[] | undefined;
}

/** Something the contract should not say. */
export interface ContractFinding {
  readonly rule: ContractRule;
  /** The cache, the method or the event it is about. */
  readonly subject: string;
  readonly message: string;
}

export const LINT_DEFAULTS = { level: 'warn', maxTtl: 15 * 60_000, ignore: [] } as const;

/** Fewer caches may well have the same lifetime. */
const CACHES_FOR_ONE_TTL = 4;

const asIgnore: Rule = (value, option) => {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && /^[a-z-]+:./.test(one))) return value;
  throw new CacheConfigError(`${option}: expected a list of 'rule:subject', as findings name them`);
};

const RULES: Record<string, Rule> = {
  level: asOneOf('warn', 'error', 'off'),
  maxTtl: asPositiveDuration,
  ignore: asIgnore,
};

interface ResolvedLint {
  readonly level: LintLevel;
  /** ms. */
  readonly maxTtl: number;
  readonly ignore: readonly string[];
}

/** @throws CacheConfigError naming a wrong or unknown option */
export function resolveLint(given: LintLevel | LintOptions | undefined): ResolvedLint {
  const options = typeof given === 'string' ? { level: given } : (given ?? {});
  return { ...LINT_DEFAULTS, ...readOptions('CacheModule.forRoot: lint', options, RULES) };
}

/**
 * What is wrong with a contract, in the order of the rules; without what is to be passed over. What the boot logs, for a test of your own:
 * `expect(lintContract(app.get(CacheContract))).toEqual([])`.
 * @throws CacheConfigError naming a wrong or unknown option
 */
export function lintContract(
  contract: Pick<CacheContract, 'entries' | 'aims' | 'knowsEveryTag'>,
  lint?: LintLevel | LintOptions,
): readonly ContractFinding[] {
  const { maxTtl, ignore } = resolveLint(lint);
  const entries = contract.entries();
  const aims = contract.aims();
  const found = [
    ...neverCleared(entries, maxTtl),
    ...aimsAtNothing(entries, aims),
    // Nothing is said about tags as soon as some may be carried that cannot be told.
    ...(contract.knowsEveryTag() ? unknownTags(entries, aims) : []),
    ...twoOwners(entries),
    ...oneTtl(entries),
  ];
  return found.filter(({ rule, subject }) => !ignore.includes(`${rule}:${subject}`));
}

/** A cache that is injected somewhere may be cleared there: that cannot be seen, so it is not claimed. */
function neverCleared(entries: readonly CacheContractEntry[], maxTtl: number): ContractFinding[] {
  return entries
    .filter(({ ttl, clearedBy, readBy }) => ttl > maxTtl && clearedBy.length === 0 && !isInjected(readBy))
    .map(({ name, ttl }) => finding('never-cleared', name, contractMessages.neverCleared(name, ttl, maxTtl)));
}

function isInjected(readBy: CacheContractEntry['readBy']): boolean {
  return readBy.some(({ how }) => how === 'injected');
}

function aimsAtNothing(entries: readonly CacheContractEntry[], aims: readonly Aim[]): ContractFinding[] {
  const unread = new Set(entries.filter(({ readBy }) => readBy.length === 0).map(({ name }) => name));
  return aims
    .filter(
      ({ kind, cache, keys, allEntries }) =>
        kind === 'method' && unread.has(cache) && (keys !== undefined || allEntries),
    )
    .map(({ by, cache }) => finding('aims-at-nothing', by, contractMessages.aimsAtNothing(by, cache)));
}

function unknownTags(entries: readonly CacheContractEntry[], aims: readonly Aim[]): ContractFinding[] {
  const carried = entries.flatMap(({ tags }) => tags);
  return aims.flatMap(({ by, tags }) =>
    (tags?.texts ?? [])
      .filter((tag) => !carried.some((other) => mayMeet(tag, other)))
      .map((tag) => finding('unknown-tag', by, contractMessages.unknownTag(by, tag))),
  );
}

function twoOwners(entries: readonly CacheContractEntry[]): ContractFinding[] {
  return entries.flatMap(({ name, owner, readBy }) => {
    const methods = readBy.filter(({ how }) => how === 'Cacheable' || how === 'CachePut').map(({ by }) => by);
    const classes = new Set(methods.map((by) => by.slice(0, by.lastIndexOf('.'))));
    return classes.size < 2 ? [] : [finding('two-owners', name, contractMessages.twoOwners(name, owner, methods))];
  });
}

function oneTtl(entries: readonly CacheContractEntry[]): ContractFinding[] {
  const ttls = new Set(entries.map(({ ttl }) => ttl));
  if (entries.length < CACHES_FOR_ONE_TTL || ttls.size > 1) return [];
  const [ttl] = ttls;
  return [finding('one-ttl', 'all', contractMessages.oneTtl(entries.length, ttl))];
}

function finding(rule: ContractRule, subject: string, message: string): ContractFinding {
  return { rule, subject, message: `${message} To pass this over: lint: { ignore: ['${rule}:${subject}'] }.` };
}
