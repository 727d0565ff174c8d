import { performance } from 'node:perf_hooks';
// From the module, not the global: fake timers replace the global only, and waiting for a real server is real time.
import { setTimeout as delay } from 'node:timers/promises';

/** `within`: the longest wait, ms (5000). `every`: pause between two looks, ms (10). `what`: named in the failure. */
export interface EventuallyOptions {
  readonly within?: number;
  readonly every?: number;
  readonly what?: string;
}

/**
 * Looks again and again until `condition` neither throws nor returns `false`, and resolves with what it returned.
 * Rejects after `within` ms, with the last error as its cause. A look that is under way at the end is waited for, so
 * `condition` needs a deadline of its own when it talks to something that may hang.
 */
export async function eventually<Result>(
  condition: () => Result | Promise<Result>,
  { within = 5_000, every = 10, what = 'the condition' }: EventuallyOptions = {},
): Promise<Exclude<Result, false>> {
  const until = performance.now() + within;
  let last: unknown = new Error(`${what}: the last look returned false.`);
  for (;;) {
    try {
      const result = await condition();
      if (result !== false) return result as Exclude<Result, false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= until) {
      const reason = last instanceof Error ? last.message : String(last);
      throw new Error(`${what} did not come true within ${within} ms: ${reason}`, { cause: last });
    }
    await delay(every);
  }
}
