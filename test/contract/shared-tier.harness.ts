import { randomBytes } from 'node:crypto';
import {
  systemClock,
  type BusMessage,
  type FillLease,
  type FillRecord,
  type L2Context,
  type L2Parts,
  type TierRead,
} from '@strata-cache/core';
import { eventually } from '../support/eventually.js';

/** One store that several instances share. */
export interface SharedTierEnvironment {
  /** A further instance; everything the contract says holds across instances. */
  create(context: L2Context): L2Parts;
  /** Lets time pass for the tier: fake for memory, real for Redis. ms */
  advance(ms: number): Promise<void>;
  /** Destroys the coherence state while entries survive (DEL of the state key). */
  loseState(): Promise<void>;
  close(): Promise<void>;
}

export type MakeEnvironment = () => Promise<SharedTierEnvironment>;

/** The stages of one read, as a sink saw them. */
export interface ReadOutcome {
  readonly sent: boolean;
  readonly read?: TierRead & { readonly text?: string };
  readonly error?: unknown;
}

export const record = (text: string, options: Partial<FillRecord> = {}): FillRecord => ({
  id: randomBytes(8).toString('hex'),
  payload: Buffer.from(text),
  format: 0,
  schema: 1,
  tags: [],
  freshFor: 60_000,
  graceFor: 0,
  ...options,
});

/** One engine's view of the tier, with what its bus delivered. */
export class Instance {
  readonly tier: L2Parts['tier'];
  readonly bus: L2Parts['bus'];
  readonly messages: BusMessage[] = [];
  readonly connected = new Set<number>();
  readonly suspects: number[] = [];
  #tokens = 0;

  constructor(environment: SharedTierEnvironment, context: Partial<L2Context> = {}) {
    const parts = environment.create({
      namespace: 'test:contract',
      clock: systemClock,
      observer: {},
      maxStaleness: 2_000,
      onSuspect: (shard) => this.suspects.push(shard),
      ...context,
    });
    this.tier = parts.tier;
    this.bus = parts.bus;
    this.bus.start({
      onMessage: (message) => this.messages.push(message),
      onConnected: (shard) => this.connected.add(shard),
      onDisconnected: (shard) => this.connected.delete(shard),
    });
  }

  /** Resolves when reads are answered and the bus delivers. */
  async ready(): Promise<this> {
    await eventually(() => this.connected.size === this.tier.shards, { within: 15_000, what: 'the bus' });
    await eventually(async () => (await this.readAll(this.#oneKeyPerShard())).every(({ error }) => !error), {
      within: 15_000,
      what: 'the tier',
    });
    return this;
  }

  #oneKeyPerShard(): string[] {
    const keys = new Map<number, string>();
    for (let index = 0; keys.size < this.tier.shards; index += 1)
      keys.set(this.tier.shardOf(`probe${index}`), `probe${index}`);
    return [...keys.values()];
  }

  async outcome(key: string, knownId?: string): Promise<ReadOutcome> {
    return new Promise((resolve, reject) => {
      let sent = false;
      let answered = false;
      let synchronous = true;
      const finish = (outcome: ReadOutcome): void => {
        if (answered || synchronous) reject(new Error('a sink must be answered once, and never synchronously'));
        answered = true;
        resolve(outcome);
      };
      this.tier.read(key, knownId === undefined ? undefined : { id: knownId }, {
        onSent: () => (sent = true),
        onRead: (read) =>
          finish({
            sent,
            // Copied at once: a record is valid only until the callback returns.
            read:
              read.status === 'found'
                ? { status: 'found', record: copy(read.record), text: read.record.payload.toString() }
                : read,
          }),
        onUnavailable: (error) => finish({ sent, error }),
      });
      synchronous = false;
    });
  }

  async readAll(keys: readonly string[]): Promise<ReadOutcome[]> {
    return Promise.all(keys.map((key) => this.outcome(key)));
  }

  /** The answer of a read that must reach the tier. */
  async read(key: string, knownId?: string): Promise<NonNullable<ReadOutcome['read']>> {
    const { read, sent, error } = await this.outcome(key, knownId);
    if (read === undefined || !sent) throw new Error('the tier was not reached', { cause: error });
    return read;
  }

  /** `value` or, softly invalidated or too old, `value (stale)`; undefined when there is nothing. */
  async see(key: string): Promise<string | undefined> {
    const read = await this.read(key);
    if (read.status !== 'found') return undefined;
    return read.record.stale ? `${read.text} (stale)` : read.text;
  }

  token(): string {
    this.#tokens += 1;
    return `${randomBytes(6).toString('hex')}-${this.#tokens}`;
  }

  /** A lease for what is there now. */
  async granted(key: string, options: { token?: string; ttl?: number; force?: boolean } = {}): Promise<FillLease> {
    const read = await this.read(key);
    const seen = read.status === 'found' ? read.record.id : read.status === 'absent' ? read.id : '';
    const reply = await this.tier.lease(key, { token: options.token ?? this.token(), seen, ttl: 5_000, ...options });
    if (reply.status !== 'granted') throw new Error(`expected a lease for ${key}, got ${reply.status}`);
    return reply.lease;
  }

  /** What an engine does on a miss. */
  async load(key: string, text: string, options: Partial<FillRecord> = {}): Promise<FillRecord> {
    const lease = await this.granted(key);
    const stored = record(text, options);
    if (!(await this.tier.fill(key, lease, stored, false))) throw new Error(`the fill of ${key} was refused`);
    return stored;
  }

  async close(): Promise<void> {
    await this.bus.close();
    await this.tier.close();
  }
}

function copy({
  id,
  format,
  schema,
  tags,
  age,
  freshFor,
  graceFor,
  stale,
  payload,
}: Extract<TierRead, { status: 'found' }>['record']) {
  return { id, format, schema, tags, age, freshFor, graceFor, stale, payload: Buffer.from(payload) };
}

/** What a test of the contract works with: two instances of one tier. */
export interface ContractContext {
  readonly environment: SharedTierEnvironment;
  readonly a: Instance;
  readonly b: Instance;
}

export type Context = () => ContractContext;
