import type { CacheRuntime, Lifetime } from '../cache-runtime.js';
import type { Engine } from '../engine.js';
import type { Candidate } from './flight.js';
import type { Fence } from '../coherence/fence.js';
import type { Policy } from '../policy.js';

/** What L1 has to say about a key. At most one of `fresh` and `candidate` is set. */
export interface L1Look {
  readonly fresh?: Candidate | undefined;
  /** `fresh` is old enough to be reloaded ahead of its end. */
  readonly refreshDue?: boolean | undefined;
  /** Stale, within grace, and proven to be not invalidated. */
  readonly candidate?: Candidate | undefined;
  /** An entry the second tier can confirm by its id. */
  readonly known?: { readonly id: string; readonly stored: unknown } | undefined;
}

/** What is stored, beside its lifetime. */
interface L1Entry {
  readonly stored: unknown;
  readonly bytes: number;
  readonly tags: readonly string[] | undefined;
  readonly id: string;
  readonly part?: string | number | undefined;
}

export const L1_MISS: L1Look = {};

/** L1 as the engine sees it: the store plus the rules by which an entry may answer. */
export class L1View {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** `part`: the key as in `L1Fill`, where there is one. */
  look(runtime: CacheRuntime, key: string, policy: Policy, part?: string | number): L1Look {
    const { l1, coherence, clock } = this.#engine;
    const slot = !policy.useL1 ? -1 : part === undefined ? l1.find(key) : l1.space(runtime.prefix).find(part);
    if (slot < 0) {
      return L1_MISS;
    }
    const shard = coherence.shardOf(key);
    const tags = l1.tagsOf(slot);
    const verdict = coherence.ledger.judge(l1.sequence[slot], shard, runtime.implicitTags(key), tags);
    // Without grace, stale is gone.
    if (verdict === 'gone' || (verdict === 'stale' && l1.goneAt(slot) <= l1.staleAt(slot))) {
      l1.delete(key, 'overtaken');
      return L1_MISS;
    }
    if (verdict === 'stale') {
      l1.expire(slot);
    }
    const { sequence } = coherence.ledger;
    l1.revalidate(slot, sequence);
    const now = clock.now();
    if (now >= l1.goneAt(slot)) {
      l1.delete(key, 'expired');
      return L1_MISS;
    }
    l1.touch(slot);
    const stored = l1.values[slot];
    const id = l1.idOf(slot);
    const known = id === '' ? undefined : { id, stored };
    if (!this.#mayServe(runtime, shard, policy, now)) {
      return { known };
    }
    const staleAt = l1.staleAt(slot);
    const found: Candidate = {
      stored,
      createdAt: l1.createdAt(slot),
      staleAt,
      goneAt: l1.goneAt(slot),
      sequence,
      tags,
      tier: 'l1',
    };
    if (now < staleAt) {
      return { fresh: found, refreshDue: now >= l1.checkAt[slot], known };
    }
    return { candidate: found, known };
  }

  /** Whether L1 may answer without asking the second tier. */
  #mayServe(runtime: CacheRuntime, shard: number, policy: Policy, now: number): boolean {
    const { coherence, tier, whenDisconnected } = this.#engine;
    if (policy.consistency === 'coherent' && tier !== undefined && policy.useL2) {
      return false;
    }
    if (coherence.isProven(shard, now)) {
      return true;
    }
    // Without a second tier to ask there is nobody who could confirm; with one, its failure leads to `serveUnproven`.
    const serve = whenDisconnected === 'serve' && (tier === undefined || !policy.useL2);
    runtime.stats.unproven += serve ? 1 : 0;
    return serve;
  }

  /** The L1 value of a key past the staleness bound, when the application chose availability (`whenDisconnected: 'serve'`). */
  serveUnproven(runtime: CacheRuntime, key: string, policy: Policy): { readonly stored: unknown } | undefined {
    const { l1, clock, coherence, whenDisconnected } = this.#engine;
    const wanted = whenDisconnected === 'serve' && policy.useL1 && policy.consistency !== 'coherent';
    const slot = wanted ? l1.find(key) : -1;
    // What this process knows to be stale is loaded anew: the source is not what is disconnected.
    if (slot < 0 || clock.now() >= l1.staleAt(slot)) {
      return undefined;
    }
    const shard = coherence.shardOf(key);
    if (coherence.ledger.judge(l1.sequence[slot], shard, runtime.implicitTags(key), l1.tagsOf(slot)) !== 'valid') {
      return undefined;
    }
    runtime.stats.unproven++;
    return { stored: l1.values[slot] };
  }

  /** Stores what a fence has protected; false when an invalidation overtook it, or L1 is not to be used. */
  store(runtime: CacheRuntime, fence: Fence, policy: Policy, entry: L1Entry, life: Lifetime): boolean {
    const { l1, coherence, coarse } = this.#engine;
    if (!policy.useL1 || fence.broken !== undefined || coherence.isHeld(fence.key)) {
      return false;
    }
    const { key, shard, sequence } = fence;
    if (coherence.ledger.judge(sequence, shard, runtime.implicitTags(key), entry.tags) !== 'valid') {
      return false;
    }
    const staleAt = life.createdAt + life.freshFor;
    const ahead = policy.refreshAhead;
    // A coarse instant from before this entry was made would find it fresh however soon it is expired.
    coarse.reach(life.createdAt);
    l1.set(key, {
      value: entry.stored,
      bytes: entry.bytes + key.length,
      createdAt: life.createdAt,
      checkAt: ahead === undefined ? staleAt : Math.min(staleAt, life.createdAt + life.freshFor * ahead),
      staleAt,
      goneAt: staleAt + life.graceFor,
      sequence: coherence.ledger.sequence,
      tags: entry.tags,
      id: entry.id,
      part: entry.part,
    });
    return true;
  }

  /** The second tier confirmed the entry: it is as fresh as the tier says. */
  prolong(key: string, id: string, policy: Policy, life: Lifetime): void {
    const { l1 } = this.#engine;
    const slot = l1.find(key);
    if (slot >= 0 && l1.idOf(slot) === id) {
      const staleAt = life.createdAt + life.freshFor;
      const ahead = policy.refreshAhead;
      const checkAt = ahead === undefined ? staleAt : Math.min(staleAt, life.createdAt + life.freshFor * ahead);
      l1.prolong(slot, checkAt, staleAt, staleAt + life.graceFor);
    }
  }

  /** Drops the copy of one particular entry of the second tier. */
  dropIf(key: string, id: string): void {
    const { l1 } = this.#engine;
    const slot = id === '' ? -1 : l1.find(key);
    if (slot >= 0 && l1.idOf(slot) === id) {
      l1.delete(key, 'overtaken');
    }
  }
}
