import type { KnownEntry, ReadSink } from '@strata-cache/core';
import type { AttachGate } from './attach-gate.js';
import { type Link, unavailable } from './link.js';
import { ReadCommand } from './read-command.js';
import { judge, type Verdict } from './read-verdict.js';
import { ReadMemory } from './read-memory.js';
import { ServerTime } from './server-time.js';
import type { ShardView } from './shard.js';
import { TagStamps } from './tag-stamps.js';
import { decodeHead, type Head, isEntry, peekId, stampOf, tagTextOf } from './wire.js';

/** Keys of one MGET: more would hold the server (and other callers' replies) up. */
const MAX_KEYS = 256;
/** Remembered bytes of one MGET. */
const MAX_BYTES = 1024 * 1024;
/** An entry above this travels alone: it must not delay the small ones of its tick. */
const ALONE_ABOVE = 64 * 1024;
/** Sizes above this are worth remembering. */
const LARGE = 4 * 1024;

interface Pending {
  readonly key: string;
  readonly known: KnownEntry | undefined;
  readonly sink: ReadSink;
}

/**
 * Gathers the reads of one tick and sends one `MGET head e1 ... en` per shard; whether the entries are valid is decided here, from the
 * head (docs/protocol.md 5). The hot path: no async function, no promise per read, headers read in place.
 */
export class ReadBatcher {
  readonly #gate: AttachGate;
  readonly #views: readonly ShardView[];
  readonly #queues: Pending[][];
  readonly #memory = new ReadMemory();
  readonly #flush = (): void => this.#flushAll();
  #scheduled = false;

  constructor(gate: AttachGate, views: readonly ShardView[]) {
    this.#gate = gate;
    this.#views = views;
    this.#queues = views.map(() => []);
  }

  read(shard: number, key: string, known: KnownEntry | undefined, sink: ReadSink): void {
    this.#queues[shard].push({ key, known, sink });
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(this.#flush);
    }
  }

  #flushAll(): void {
    this.#scheduled = false;
    for (const [shard, queue] of this.#queues.entries()) {
      if (queue.length > 0) {
        this.#queues[shard] = [];
        this.#flushShard(this.#views[shard], queue);
      }
    }
  }

  #flushShard(view: ShardView, queue: readonly Pending[]): void {
    const link = this.#gate.attached(view.shard);
    if (link === undefined) {
      const error = unavailable(`shard ${view.shard} is not attached (no connection, or it is being checked)`);
      for (const { sink } of queue) {
        sink.onUnavailable(error);
      }
      return;
    }
    let batch: Pending[] = [];
    let bytes = 0;
    for (const pending of queue) {
      const size = this.#memory.get(pending.key)?.bytes ?? 0;
      if (size > ALONE_ABOVE) {
        this.#send(view, link, [pending]);
        continue;
      }
      if (batch.length === MAX_KEYS || bytes + size > MAX_BYTES) {
        this.#send(view, link, batch);
        batch = [];
        bytes = 0;
      }
      batch.push(pending);
      bytes += size;
    }
    if (batch.length > 0) {
      this.#send(view, link, batch);
    }
  }

  #send(view: ShardView, link: Link, batch: readonly Pending[]): void {
    const { keys } = view;
    const args: string[] = [keys.head];
    let stamps: TagStamps | undefined;
    for (const { key } of batch) {
      args.push(keys.entry(key));
      // Known to be older than a tag invalidation: its tags are looked up in the same trip.
      const seen = this.#memory.get(key);
      if (
        seen !== undefined &&
        seen.tagText !== '' &&
        (seen.stamp <= view.tagStamp || seen.stamp <= view.softTagStamp)
      ) {
        stamps ??= new TagStamps();
        stamps.add(seen.tagText);
      }
    }
    const failed = (error: unknown): void => this.#failed(link, batch, error);
    if (stamps === undefined) {
      const onReply = (values: (Buffer | null)[]): void => this.#decide(view, link, batch, values, undefined);
      link.sendRead(new ReadCommand(args, onReply, failed));
    } else {
      this.#sendWithStamps(view, link, batch, args, stamps, failed);
    }
    if (link.time.isOld) {
      this.#sampleTime(link);
    }
    for (const { sink } of batch) {
      sink.onSent();
    }
  }

  #sendWithStamps(
    view: ShardView,
    link: Link,
    batch: readonly Pending[],
    args: string[],
    stamps: TagStamps,
    failed: (error: unknown) => void,
  ): void {
    const entries = new Promise<(Buffer | null)[]>((resolve, reject) => {
      link.sendRead(new ReadCommand(args, resolve, reject));
    });
    Promise.all([entries, link.sendRaw('zmscore', stamps.command(view.keys))]).then(([values, answer]) => {
      stamps.answer(answer);
      this.#decide(view, link, batch, values, stamps);
    }, failed);
  }

  /** Behind the entries: TIME must not be older than what it dates. */
  #sampleTime(link: Link): void {
    const sent = ServerTime.mark();
    link.sendRaw('time', []).then(
      (reply) => {
        const [seconds, micros] = (reply as Buffer[]).map(Number);
        link.time.sample(seconds * 1_000_000 + micros, sent);
      },
      (error: unknown) => link.failed(error),
    );
  }

  #failed(link: Link, batch: readonly Pending[], error: unknown): void {
    link.failed(error);
    const reason = unavailable('a read was not answered', error);
    for (const { sink } of batch) {
      sink.onUnavailable(reason);
    }
  }

  #decide(
    view: ShardView,
    link: Link,
    batch: readonly Pending[],
    values: readonly (Buffer | null)[],
    stamps: TagStamps | undefined,
  ): void {
    const head = decodeHead(values[0]);
    if (head === null) {
      // Lost or foreign: nothing can be judged. The next LEASE or invalidation writes it again.
      for (const [index, { sink }] of batch.entries()) {
        sink.onRead({ status: 'absent', id: peekId(values[index + 1]) });
      }
      return;
    }
    if (head.runId !== link.runId) {
      this.#notAttached(view, link, batch);
      return;
    }
    view.tagStamp = head.tagStamp;
    view.softTagStamp = head.softTagStamp;
    view.saw(head.incarnation);
    const serverNow = link.time.now();
    let later: Pending[] | undefined;
    let laterValues: Buffer[] | undefined;
    for (let index = 0; index < batch.length; index++) {
      const pending = batch[index];
      const bytes = values[index + 1];
      const verdict = judge(bytes, head, stamps, serverNow, pending.known);
      if (verdict === undefined) {
        (later ??= []).push(pending);
        (laterValues ??= []).push(bytes as Buffer);
      } else {
        this.#answer(pending, bytes, head, verdict);
      }
    }
    if (later !== undefined) {
      this.#lookUpTags(view, link, head, later, laterValues as Buffer[]);
    }
  }

  /** The second trip: tags of entries that nothing was remembered of. */
  #lookUpTags(view: ShardView, link: Link, head: Head, batch: readonly Pending[], values: readonly Buffer[]): void {
    const stamps = new TagStamps();
    for (const bytes of values) {
      stamps.add(tagTextOf(bytes));
    }
    link.sendRaw('zmscore', stamps.command(view.keys)).then(
      (reply) => {
        stamps.answer(reply);
        const serverNow = link.time.now();
        for (const [index, pending] of batch.entries()) {
          const verdict = judge(values[index], head, stamps, serverNow, pending.known);
          this.#answer(pending, values[index], head, verdict ?? { status: 'absent', id: peekId(values[index]) });
        }
        if (stamps.runId !== link.runId) {
          this.#gate.detach(view.shard, link);
        }
      },
      (error: unknown) => this.#failed(link, batch, error),
    );
  }

  #answer({ key, sink }: Pending, bytes: Buffer | null, head: Head, verdict: Verdict): void {
    if (verdict.status === 'absent' || !isEntry(bytes)) {
      this.#memory.delete(key);
    } else {
      const stamp = stampOf(bytes);
      const tagged = stamp <= head.tagStamp || stamp <= head.softTagStamp;
      if (tagged || bytes.length > LARGE) {
        this.#memory.set(key, { stamp, tagText: tagged ? tagTextOf(bytes) : '', bytes: bytes.length });
      } else {
        this.#memory.delete(key);
      }
    }
    sink.onRead(verdict);
  }

  /** The state is of another life of the server: what was read may be older than an acknowledged invalidation. */
  #notAttached(view: ShardView, link: Link, batch: readonly Pending[]): void {
    this.#gate.detach(view.shard, link);
    const error = unavailable(`shard ${view.shard} must be attached again: its state belongs to another server`);
    for (const { sink } of batch) {
      sink.onUnavailable(error);
    }
  }
}
