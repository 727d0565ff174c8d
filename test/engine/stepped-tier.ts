import type {
  Bus,
  BusHead,
  BusMessage,
  BusSink,
  KnownEntry,
  L2Factory,
  ReadSink,
  SharedTier,
  TierRead,
} from '@strata-cache/core';

/** Waits for the schedule's leave to take one step; the label names it in a failing schedule. */
export type Step = (label: string) => Promise<unknown>;

const OPERATIONS = [
  'lease',
  'renew',
  'release',
  'fill',
  'put',
  'invalidateKeys',
  'invalidateTags',
  'clear',
  'hold',
  'unhold',
] as const;

/**
 * A second tier whose every request and every reply, and every delivery of its bus, takes its own step: whoever gives the steps decides
 * on the order. Deliveries to one instance stay in order, and a probe's answer stays behind the messages before it.
 */
export function steppedTier(inner: L2Factory, name: string, step: Step): L2Factory {
  return {
    kind: 'l2',
    create: (context) => {
      const { tier, bus } = inner.create(context);
      const stepped: Record<string, unknown> = {
        shards: tier.shards,
        shardOf: (key: string) => tier.shardOf(key),
        read: (key: string, known: KnownEntry | undefined, sink: ReadSink) =>
          read(tier, `${name} read`, step, key, known, sink),
        waitForWake: (key: string, ms: number) => tier.waitForWake(key, ms),
        close: () => tier.close(),
      };
      for (const operation of OPERATIONS) {
        stepped[operation] = async (...args: unknown[]): Promise<unknown> => {
          await step(`${name} ${operation} >`);
          const result = await (tier[operation] as (...given: unknown[]) => Promise<unknown>)(...args);
          await step(`${name} ${operation} <`);
          return result;
        };
      }
      return { tier: stepped as unknown as SharedTier, bus: new SteppedBus(bus, name, step) };
    },
  };
}

function read(
  tier: SharedTier,
  label: string,
  step: Step,
  key: string,
  known: KnownEntry | undefined,
  sink: ReadSink,
): void {
  queueMicrotask(() => {
    sink.onSent();
    void step(`${label} >`).then(() => {
      tier.read(key, known, {
        onSent: () => undefined,
        onUnavailable: (error) => sink.onUnavailable(error),
        onRead: (answer: TierRead) => void step(`${label} <`).then(() => sink.onRead(answer)),
      });
    });
  });
}

class SteppedBus implements Bus, BusSink {
  readonly shards: number;
  readonly #bus: Bus;
  readonly #label: string;
  readonly #step: Step;
  #sink: BusSink | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(bus: Bus, name: string, step: Step) {
    this.#bus = bus;
    this.#label = `${name} bus`;
    this.#step = step;
    this.shards = bus.shards;
  }

  start(sink: BusSink): void {
    this.#sink = sink;
    this.#bus.start(this);
  }

  onMessage(message: BusMessage): void {
    void this.#inOrder(() => this.#sink?.onMessage(message));
  }

  onConnected(shard: number): void {
    this.#sink?.onConnected(shard);
  }

  onDisconnected(shard: number): void {
    this.#sink?.onDisconnected(shard);
  }

  async probe(shard: number): Promise<BusHead> {
    const head = await this.#bus.probe(shard);
    await this.#inOrder(() => undefined);
    return head;
  }

  #inOrder(deliver: () => void): Promise<void> {
    const delivered = this.#last.then(() => this.#step(this.#label)).then(deliver);
    this.#last = delivered;
    return delivered;
  }

  close(): Promise<void> {
    this.#sink = undefined;
    return this.#bus.close();
  }
}
