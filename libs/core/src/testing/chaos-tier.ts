import { markHandled } from '../background.js';
import { TierError } from '../errors.js';
import type { KnownEntry, L2Context, L2Factory, L2Parts, ReadSink, SharedTier } from '../tiers/tier.js';

/** The operations of a tier that can be made to fail. */
export type TierOperation = Exclude<keyof SharedTier, 'shards' | 'shardOf' | 'close'>;

/**
 * A second tier that fails, holds and counts on command. `'lost'` failures happen before the operation, `'late'` ones after it took
 * effect (the reply is lost).
 */
export class ChaosTier implements L2Factory {
  readonly kind = 'l2';
  /** Calls seen per operation. */
  readonly calls: Partial<Record<TierOperation, number>> = {};
  readonly #inner: L2Factory;
  #failures: { operation: TierOperation | 'any'; kind: 'lost' | 'late' }[] = [];
  #down = false;
  #held: Map<TierOperation, (() => void)[]> = new Map();

  constructor(inner: L2Factory) {
    this.#inner = inner;
  }

  /** Fails the next `count` calls of an operation. */
  failNext(operation: TierOperation | 'any' = 'any', count = 1, kind: 'lost' | 'late' = 'lost'): void {
    for (let index = 0; index < count; index++) {
      this.#failures.push({ operation, kind });
    }
  }

  /** Every call fails until `up`. */
  down(): void {
    this.#down = true;
  }

  up(): void {
    this.#down = false;
    this.#failures = [];
  }

  /** Calls of an operation wait, unsent, until `release`. */
  hold(operation: TierOperation): void {
    this.#held.set(operation, this.#held.get(operation) ?? []);
  }

  release(operation: TierOperation): void {
    const held = this.#held.get(operation) ?? [];
    this.#held.delete(operation);
    for (const go of held) {
      go();
    }
  }

  create(context: L2Context): L2Parts {
    const parts = this.#inner.create(context);
    const { tier } = parts;
    const wrapped = {
      shards: tier.shards,
      shardOf: (key: string) => tier.shardOf(key),
      read: (key: string, known: KnownEntry | undefined, sink: ReadSink) => this.#read(tier, key, known, sink),
      close: () => tier.close(),
    } as Record<string, unknown>;
    for (const operation of OPERATIONS) {
      wrapped[operation] = (...args: unknown[]): Promise<unknown> =>
        this.#call(operation, () => (tier[operation] as (...given: unknown[]) => Promise<unknown>)(...args));
    }
    return { ...parts, tier: wrapped as unknown as SharedTier };
  }

  #read(tier: SharedTier, key: string, known: KnownEntry | undefined, sink: ReadSink): void {
    // A read has no promise of its own, so the chaos stands before it.
    markHandled(
      this.#call('read', () => Promise.resolve()).then(
        () => tier.read(key, known, sink),
        (error: unknown) => sink.onUnavailable(error),
      ),
    );
  }

  async #call<T>(operation: TierOperation, run: () => Promise<T>): Promise<T> {
    this.calls[operation] = (this.calls[operation] ?? 0) + 1;
    const held = this.#held.get(operation);
    if (held !== undefined) {
      await new Promise<void>((resolve) => held.push(resolve));
    }
    const failure = this.#takeFailure(operation);
    if (failure === 'lost') {
      throw new TierError(`chaos: ${operation} was lost`);
    }
    const result = await run();
    if (failure === 'late') {
      throw new TierError(`chaos: the reply of ${operation} was lost`);
    }
    return result;
  }

  #takeFailure(operation: TierOperation): 'lost' | 'late' | undefined {
    if (this.#down) {
      return 'lost';
    }
    const index = this.#failures.findIndex((one) => one.operation === 'any' || one.operation === operation);
    return index < 0 ? undefined : this.#failures.splice(index, 1)[0].kind;
  }
}

const OPERATIONS = [
  'lease',
  'renew',
  'release',
  'waitForWake',
  'fill',
  'put',
  'invalidateKeys',
  'invalidateTags',
  'clear',
  'hold',
  'unhold',
] as const satisfies readonly TierOperation[];
