import { savingsOf, type Savings } from './cache-rules.js';
import type { Checkup } from './checkup.js';

/** What every cache ought to have, ticked by facts, and what it is worth so far. */
export interface ChecklistRow {
  readonly cache: string;
  readonly owner: boolean;
  readonly clearer: boolean;
  readonly ttl: boolean;
  readonly negative: boolean;
  readonly savings: Savings;
}

export interface Checklist {
  readonly caches: readonly ChecklistRow[];
  /** Some handler says how its responses may be cached. */
  readonly httpHeaders: boolean;
  /** Somebody collects metrics. */
  readonly metrics: boolean;
}

const TICKS = ['owner', 'clearer', 'ttl', 'negative'] as const;

export function checklistOf({ caches, httpRoutes, observed }: Checkup): Checklist {
  const rows = caches.map((cache) => ({
    cache: cache.name,
    owner: cache.owner.trim() !== '',
    clearer: cache.cleared,
    ttl: cache.ttl > 0,
    negative: cache.negative,
    savings: savingsOf(cache.stats),
  }));
  return { caches: rows, httpHeaders: httpRoutes > 0, metrics: observed };
}

/** `owner 5/5, clearer 4/5, ttl 5/5, negative 3/5, HTTP headers yes, metrics no`. */
export function ticksOf({ caches, httpHeaders, metrics }: Checklist): string {
  const counted = TICKS.map((tick) => `${tick} ${caches.filter((row) => row[tick]).length}/${caches.length}`);
  const word = (yes: boolean): string => (yes ? 'yes' : 'no');
  return [...counted, `HTTP headers ${word(httpHeaders)}`, `metrics ${word(metrics)}`].join(', ');
}

/** One line per cache: what is ticked, and what it saved. */
export function linesOf({ caches }: Checklist): readonly string[] {
  const width = Math.max(5, ...caches.map(({ cache }) => cache.length));
  return caches.map((row) => {
    const ticks = TICKS.map((tick) => `${row[tick] ? '[x]' : '[ ]'} ${tick}`).join('  ');
    const { answered, lookups, saved, meanLoad } = row.savings;
    const ratio = lookups === 0 ? 'not asked yet' : `${Math.round((100 * answered) / lookups)} % of ${lookups} lookups`;
    return `${row.cache.padEnd(width)}  ${ticks}  ${ratio}, load ${meanLoad.toFixed(1)} ms, saved ${(saved / 1000).toFixed(1)} s`;
  });
}
