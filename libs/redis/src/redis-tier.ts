import type {
  BusEvent,
  FillLease,
  FillRecord,
  HoldRequest,
  InvalidationMode,
  KnownEntry,
  LeaseReply,
  LeaseRequest,
  ReadSink,
  SharedTier,
} from '@strata-cache/core';
import type { AttachGate } from './attach-gate.js';
import { type Link, unavailable } from './link.js';
import { encodeBody } from './messages.js';
import { ReadBatcher } from './read-batch.js';
import type { ScriptRunner } from './script-runner.js';
import { CLEAR, HOLD, INVALIDATE_KEYS, INVALIDATE_TAGS, UNHOLD } from './scripts/invalidate.js';
import { LEASE, RELEASE, RENEW } from './scripts/lease.js';
import type { Script } from './scripts/script.js';
import { FILL, PUT } from './scripts/store.js';
import { shardOfKey, type ShardView } from './shard.js';
import type { WakeList } from './wake-list.js';
import { encodeEntry } from './wire.js';

/** Names per script and message: a bound on how long the server is held up, and on the length of a message. */
const KEYS_PER_SCRIPT = 128;
const TAGS_PER_SCRIPT = 500;
/** How long the number of a versioned put outlives it at least: a late, older one must still be recognised. ms */
const VERSION_TTL = 3_600_000;

export interface TierParts {
  readonly gate: AttachGate;
  readonly views: readonly ShardView[];
  readonly scripts: ScriptRunner;
  readonly sleepers: WakeList;
  readonly maxTagStamps: number;
  readonly onClose: () => void;
  readonly onRefused?: ((reason: string) => void) | undefined;
}

/** The second tier on Redis: entries, leases, holds and the coherence state of a namespace. */
export class RedisTier implements SharedTier {
  readonly shards: number;
  readonly #parts: TierParts;
  readonly #reads: ReadBatcher;

  constructor(parts: TierParts) {
    this.#parts = parts;
    this.shards = parts.views.length;
    this.#reads = new ReadBatcher(parts.gate, parts.views);
  }

  shardOf(key: string): number {
    return shardOfKey(key, this.shards);
  }

  read(key: string, known: KnownEntry | undefined, sink: ReadSink): void {
    this.#reads.read(this.shardOf(key), key, known, sink);
  }

  async lease(key: string, request: LeaseRequest): Promise<LeaseReply> {
    const view = this.#viewOf(key);
    const link = this.#parts.gate.require(view.shard);
    const { token, seen, ttl, force, awaited = '' } = request;
    // Text where there is nothing to keep byte for byte: one Buffer makes ioredis assemble the command from parts (8 us instead of 3).
    const was = seen === '' ? '' : Buffer.from(seen, 'latin1');
    const args = [token, was, ms(ttl), force === true ? '1' : '0', key, awaited];
    const reply = await this.#run(view, link, LEASE, [view.keys.entry(key), view.keys.lease(key)], args);
    switch (reply[0]) {
      case 'granted': {
        this.#checkClock(view, link, reply);
        return { status: 'granted', lease: { token, incarnation: Number(reply[1]), stamp: Number(reply[3]) } };
      }
      case 'busy':
        return { status: 'busy', retryIn: Math.max(1, Number(reply[1])), holder: reply[2] };
      case 'failed':
        return { status: 'failed', error: reply[2] };
      case 'held':
        return { status: 'held' };
      default:
        return { status: 'changed' };
    }
  }

  async renew(key: string, token: string, ttl: number): Promise<boolean> {
    return (await this.#runPlain(key, RENEW, [token, ms(ttl)])) === 1;
  }

  async release(key: string, { token, incarnation, stamp }: FillLease, word?: string): Promise<void> {
    await this.#runPlain(key, RELEASE, [token, key, word === undefined ? '' : `${incarnation}\n${stamp}\n${word}`]);
  }

  async waitForWake(key: string, within: number): Promise<void> {
    await this.#parts.sleepers.wait(key, within);
  }

  async fill(key: string, lease: FillLease, record: FillRecord, announce: boolean): Promise<boolean> {
    const view = this.#viewOf(key);
    const body = announce ? encodeBody({ kind: 'keys', keys: [key], mode: 'delete' }) : '';
    const bytes = encodeEntry(record, lease.incarnation, lease.stamp);
    const args = [lease.token, lease.incarnation, lease.stamp, bytes, lifeOf(record), key, body];
    const keys = [view.keys.entry(key), view.keys.lease(key)];
    const reply = await this.#run(view, this.#parts.gate.require(view.shard), FILL, keys, args);
    return this.#isStored(reply);
  }

  async put(key: string, record: FillRecord, version: number | undefined): Promise<boolean> {
    const view = this.#viewOf(key);
    const body = encodeBody({ kind: 'keys', keys: [key], mode: 'delete' });
    const life = lifeOf(record);
    const args = [encodeEntry(record, 0, 0), life, version ?? '', Math.max(life, VERSION_TTL), key, body];
    const keys = [view.keys.entry(key), view.keys.lease(key), view.keys.version(key)];
    const link = this.#parts.gate.require(view.shard);
    const reply = await this.#run(view, link, PUT, keys, args);
    if (!this.#isStored(reply)) {
      return false;
    }
    this.#checkClock(view, link, reply);
    return true;
  }

  async invalidateKeys(keys: readonly string[], mode: InvalidationMode): Promise<void> {
    const byShard = this.#parts.views.map((): string[] => []);
    for (const key of new Set(keys)) {
      byShard[this.shardOf(key)].push(key);
    }
    const work = byShard.flatMap((list, shard) =>
      chunks(list, KEYS_PER_SCRIPT).map((some) => this.#invalidateChunk(this.#parts.views[shard], some, mode)),
    );
    await all(work);
  }

  async invalidateTags(tags: readonly string[], mode: InvalidationMode): Promise<void> {
    const some = chunks([...new Set(tags)], TAGS_PER_SCRIPT);
    // Tag stamps stand in every shard: an entry is judged where it lives.
    await all(
      this.#parts.views.flatMap((view) =>
        some.map((list) => {
          const args = [mode, encodeBody({ kind: 'tags', tags: list, mode }), this.#parts.maxTagStamps, ...list];
          return this.#invalidate(view, INVALIDATE_TAGS, [], args);
        }),
      ),
    );
  }

  async clear(mode: InvalidationMode): Promise<void> {
    const event: BusEvent = { kind: 'clear', mode };
    await all(this.#parts.views.map((view) => this.#invalidate(view, CLEAR, [], [mode, encodeBody(event)])));
  }

  async hold(key: string, { token, ttl }: HoldRequest): Promise<void> {
    await this.#guard(key, HOLD, [token, ms(ttl)]);
  }

  async unhold(key: string, token: string): Promise<void> {
    await this.#guard(key, UNHOLD, [token]);
  }

  async close(): Promise<void> {
    this.#parts.onClose();
  }

  #isStored([word, , reason = 'detached']: readonly string[]): boolean {
    if (word !== 'stored') {
      this.#parts.onRefused?.(reason);
    }
    return word === 'stored';
  }

  #viewOf(key: string): ShardView {
    return this.#parts.views[this.shardOf(key)];
  }

  #invalidateChunk(view: ShardView, list: readonly string[], mode: InvalidationMode): Promise<void> {
    const keys = [...list.map((key) => view.keys.entry(key)), ...list.map((key) => view.keys.lease(key))];
    return this.#invalidate(view, INVALIDATE_KEYS, keys, [
      mode,
      encodeBody({ kind: 'keys', keys: list, mode }),
      ...list,
    ]);
  }

  #guard(key: string, script: Script, args: readonly (string | number)[]): Promise<void> {
    const view = this.#viewOf(key);
    const keys = [view.keys.entry(key), view.keys.lease(key), view.keys.holders(key)];
    return this.#invalidate(view, script, keys, [
      ...args,
      key,
      encodeBody({ kind: 'keys', keys: [key], mode: 'delete' }),
    ]);
  }

  /** Resolves only when the server said it is done, and did not show an older state than before. */
  async #invalidate(
    view: ShardView,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<void> {
    const link = this.#parts.gate.require(view.shard);
    this.#checkClock(view, link, await this.#run(view, link, script, keys, args));
  }

  #checkClock(view: ShardView, link: Link, reply: readonly string[]): void {
    if (!this.#parts.gate.sawClock(view.shard, link, reply)) {
      throw unavailable(`shard ${view.shard} went back to an older state; what was asked must be sent again`);
    }
  }

  async #run(
    view: ShardView,
    link: Link,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<string[]> {
    const reply = await this.#parts.scripts.run(link, script, view.keys, keys, args);
    if (reply[0] === 'detached') {
      this.#parts.gate.detach(view.shard, link);
      throw unavailable(`shard ${view.shard} must be attached again: its state belongs to another server`);
    }
    if (reply[0] !== 'busy') {
      view.saw(Number(reply[1]));
    }
    return reply;
  }

  async #runPlain(key: string, script: Script, args: readonly (string | number)[]): Promise<number> {
    const view = this.#viewOf(key);
    const link = this.#parts.gate.require(view.shard);
    return this.#parts.scripts.runPlain(link, script, view.keys, [view.keys.lease(key)], args);
  }
}

/** PX takes whole ms. */
const ms = (span: number): number => Math.max(1, Math.round(span));

function lifeOf({ freshFor, graceFor }: FillRecord): number {
  return Math.round(freshFor + graceFor);
}

function chunks(list: readonly string[], size: number): string[][] {
  const result: string[][] = [];
  for (let from = 0; from < list.length; from += size) {
    result.push(list.slice(from, from + size));
  }
  return result;
}

/** All must be acknowledged, and all are waited for: a rejected one must not leave the others running unseen. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
}
