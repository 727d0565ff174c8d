import { fork } from '../support/child.js';
import { NOT_APPLICABLE, REFUSED } from './left-out.js';
import { OPTIONAL_MISSES } from './misses.js';
import type { Adapter } from './store-app.js';
import type { SuiteHandlers, Verdict } from './suite.child.js';

export const ADAPTERS = ['express', 'fastify'] as const satisfies readonly Adapter[];

/** Every test of the suite with its verdict, per platform. */
export type Verdicts = Readonly<Record<Adapter, readonly Verdict[]>>;

/**
 * Runs every test that applies, on both platforms at once, each in a process of its own. The suite waits for seconds of real time to
 * pass; a test that fails is run once more by itself, so that a machine that was busy at the wrong moment is no verdict.
 */
export async function runSuite(): Promise<Verdicts> {
  const [express, fastify] = await Promise.all(ADAPTERS.map(runOn));
  return { express, fastify };
}

async function runOn(adapter: Adapter): Promise<readonly Verdict[]> {
  const child = await fork<SuiteHandlers>(new URL('./suite.child.ts', import.meta.url));
  const ids = await child.call('list');
  const leftOut = new Set([...NOT_APPLICABLE, ...REFUSED].flatMap((group) => group.ids));
  const first = await child.call('run', { adapter, ids: ids.filter((id) => !leftOut.has(id)) });
  const failed = first.filter(isSurprise).map(({ id }) => id);
  if (failed.length === 0 || failed.length > MOST_REPEATED) return first;
  const second = new Map((await child.call('run', { adapter, ids: failed })).map((verdict) => [verdict.id, verdict]));
  return first.map((verdict) => second.get(verdict.id) ?? verdict);
}

/** More than these fail for a reason that repeating does not change. */
const MOST_REPEATED = 40;

/** A failure that is no known miss; where nothing is right or wrong, only one for lack of time. */
function isSurprise({ id, passed, kind, detail }: Verdict): boolean {
  if (passed || Object.hasOwn(OPTIONAL_MISSES, id)) return false;
  return kind !== 'check' || /abort|timeout|fetch failed/i.test(detail);
}
