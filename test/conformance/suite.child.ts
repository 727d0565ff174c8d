import 'reflect-metadata';
import { serveCalls } from '../support/child-side.js';
import { serveOrigin } from './proxied-origin.js';
import { storeApp, type Adapter } from './store-app.js';

const SUITE = new URL('./vendor/cache-tests/', import.meta.url);

interface SuiteTest {
  readonly id: string;
  readonly name: string;
  readonly kind?: 'required' | 'optimal' | 'check';
  readonly depends_on?: readonly string[];
}

interface TestGroup {
  readonly id: string;
  readonly tests: readonly SuiteTest[];
}

/** What became of one test; `detail` is what the suite says of a failure. */
export interface Verdict {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly kind: 'required' | 'optimal' | 'check';
  readonly symbol: string;
  readonly passed: boolean;
  readonly detail: string;
}

/** How many of the tests run at a time; most of their time they wait for something to become stale. */
const AT_ONCE = 75;

async function load<Module>(path: string): Promise<Module> {
  return (await import(new URL(path, SUITE).href)) as Module;
}

const { default: groups } = await load<{ default: readonly TestGroup[] }>('tests/index.mjs');
const runner = await load<{
  runTests(groups: readonly TestGroup[], browser: boolean, base: string, atOnce: number): Promise<void>;
  getResults(): Record<string, unknown>;
}>('test-engine/client/runner.mjs');
const { testResults } = await load<{ testResults: Record<string, unknown> }>('test-engine/client/test.mjs');
const { determineTestResult } = await load<{
  readonly determineTestResult: (groups: readonly TestGroup[], id: string, results: unknown) => readonly string[];
}>('test-engine/lib/results.mjs');

let base: string | undefined;

const handlers = {
  /** The ids of all tests. */
  list(): readonly string[] {
    return groups.flatMap((group) => group.tests.map(({ id }) => id));
  },
  /**
   * Runs the tests with these ids, and those they depend on. What was run before is run anew.
   * The suite prints what its origin finds odd; that is of no interest here.
   */
  async run({ adapter, ids }: { adapter: Adapter; ids: readonly string[] }): Promise<readonly Verdict[]> {
    console.log = () => undefined;
    console.error = () => undefined;
    base ??= await start(adapter);
    const wanted = withDependencies(new Set(ids));
    for (const id of wanted) delete testResults[id];
    const chosen = groups.map((group) => ({ ...group, tests: group.tests.filter(({ id }) => wanted.has(id)) }));
    await runner.runTests(chosen, false, base, AT_ONCE);
    const results = runner.getResults();
    return groups.flatMap((group) =>
      group.tests.filter(({ id }) => ids.includes(id)).map((test) => verdictOf(group, test, results)),
    );
  },
};

async function start(adapter: Adapter): Promise<string> {
  const app = await storeApp(adapter, await serveOrigin(SUITE));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

function withDependencies(ids: Set<string>): ReadonlySet<string> {
  const tests = new Map(groups.flatMap((group) => group.tests.map((test) => [test.id, test] as const)));
  // A set visits what is added while it is walked.
  for (const id of ids) tests.get(id)?.depends_on?.forEach((other) => ids.add(other));
  return ids;
}

function verdictOf(group: TestGroup, test: SuiteTest, results: Record<string, unknown>): Verdict {
  const result = results[test.id];
  const [, , symbol] = determineTestResult(groups, test.id, results);
  return {
    id: test.id,
    group: group.id,
    name: test.name,
    kind: test.kind ?? 'required',
    symbol,
    passed: symbol === '✅' || symbol === 'Y',
    detail: Array.isArray(result) ? String(result[1]) : '',
  };
}

export type SuiteHandlers = typeof handlers;
serveCalls(handlers);
