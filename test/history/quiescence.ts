import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Checker } from './checker.js';
import type { Register } from './registers.js';
import type { Member } from './member.js';

/** How long the caches may take to be as if nothing had happened, ms. */
export const RECOVERY_LIMIT = 2_000;

export interface Settled {
  /** ms from the end of the faults until every key was current and cached on every instance. */
  readonly recovery: number;
  /** Keys that were still old, or not cached, at the limit. */
  readonly stuck: number;
}

/**
 * After the last fault: writers finish, what was committed without an acknowledged invalidation (its writer was killed) is invalidated,
 * and then every key must be readable, current, and cached again on every instance within 2 s.
 */
export async function settle(
  members: readonly Member[],
  registers: readonly Register[],
  load: readonly Promise<void>[],
  checker: Checker,
): Promise<Settled> {
  const since = performance.now();
  const deadline = since + RECOVERY_LIMIT + checker.maxStaleness;
  for (const { readers, writers, source } of members) {
    source.calm = true;
    readers.stop();
    writers.stop();
  }
  await within(Promise.all(load), deadline + 5_000 - since, () => {
    const pending = members.map(({ name, readers }) => `${name}: ${readers.pending.join(' ')}`);
    return `the load ends; reads pending: ${pending.join('; ')}`;
  });
  const [first] = members;
  for (const family of new Set(registers.map((register) => register.family))) {
    const keys = registers.filter((register) => register.family === family).map(({ key }) => key);
    while (
      !(
        await first.instance
          .cache(family)
          .deleteMany(keys)
          .catch(() => ({ acknowledged: false }))
      ).acknowledged
    ) {
      if (performance.now() > deadline + 5_000)
        throw new Error('no invalidation was acknowledged after the faults had ended');
      await delay(20);
    }
  }
  let waiting = members.flatMap((member) => registers.map((register) => ({ member, register })));
  while (waiting.length > 0 && performance.now() < deadline) {
    const left = await Promise.all(
      waiting.map(async (one) => ((await isWell(one.member, one.register)) ? undefined : one)),
    );
    waiting = left.filter((one) => one !== undefined);
    await delay(20);
  }
  for (const { member, register } of waiting) {
    const detail = 'not current, or not cached, after the faults had ended';
    checker.report({ what: 'stuck', key: register.key, instance: member.name, detail });
  }
  return { recovery: performance.now() - since, stuck: waiting.length };
}

/** Current, and the second read needs no loader: the caches work again. */
async function isWell({ instance, source }: Member, register: Register): Promise<boolean> {
  const cache = instance.cache(register.family);
  const read = async (): Promise<number> => (await cache.getOrSet(register.key, async () => source.load(register))).v;
  if ((await read()) !== register.version) return false;
  let loaded = false;
  const again = await cache.getOrSet(register.key, async () => {
    loaded = true;
    return source.load(register);
  });
  return again.v === register.version && !loaded;
}

/** @throws Error naming what did not come about within `ms` */
export async function within<T>(work: Promise<T>, ms: number, what: () => string): Promise<T> {
  const patience = new AbortController();
  const late = delay(ms, LATE, { signal: patience.signal }).catch(() => LATE);
  const outcome = await Promise.race([work, late]);
  patience.abort();
  if (outcome === LATE) throw new Error(`stuck: expected within ${ms} ms: ${what()}`);
  return outcome as T;
}

const LATE = Symbol('late');
