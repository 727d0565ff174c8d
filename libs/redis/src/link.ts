import { Command, type Redis } from 'ioredis';
import { TierError } from '@strata-cache/core';
import type { Role } from './profiles.js';
import { type ReadCommand, ReplyDeadlines } from './read-command.js';
import { ServerTime } from './server-time.js';

/** The run id of a server that does not tell it (INFO denied); real ones are larger. */
export const UNKNOWN_RUN = 1;
/** First 44 bits: the state ZSET keeps stamps above 1e14, so this must stay below. */
const RUN_ID_DIGITS = 11;
const RETRY_INFO = 100;

/** Told what happens to a connection. All synchronous. */
export interface LinkListener {
  /** Connected, and the server is known: it may be attached to now. */
  onOpen(link: Link): void;
  onClosed(link: Link): void;
  /** A reply said that the topology is not what we believe. */
  onMisrouted(link: Link): void;
  onWarning(link: Link, message: string): void;
}

/** Replies that mean: somebody else serves this slot now (or nobody does yet). */
const MISROUTED = /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|READONLY|MASTERDOWN)\b/;

/** One connection of ours to one server. Every command rejects at once while it is not open. */
export class Link {
  readonly role: Role;
  /** Where it leads to, for messages. */
  readonly name: string;
  readonly client: Redis;
  readonly time = new ServerTime();
  /** Counts connections: what was learned on an earlier one does not hold on this one. */
  epoch = 0;
  runId = 0;
  open = false;
  readonly #listener: LinkListener;
  readonly #deadlines: ReplyDeadlines;
  #closed = false;
  #warned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(role: Role, name: string, client: Redis, listener: LinkListener) {
    this.role = role;
    this.name = name;
    this.client = client;
    this.#listener = listener;
    this.#deadlines = new ReplyDeadlines(client.options.commandTimeout as number);
    client.on('ready', () => this.#identify());
    client.on('close', () => this.#lost());
    client.on('error', (error: Error) => this.#warn(error));
    // ioredis gives up in few cases (no sentinel reachable); we never do.
    client.on('end', () => this.#later(() => this.connect(), 500));
  }

  /** Starts connecting in the background; heals by itself from then on. */
  connect(): void {
    if (!this.#closed) {
      this.client.connect().then(
        () => undefined,
        (error: Error) => this.#warn(error),
      );
    }
  }

  /** Sends one command. `raw`: replies as Buffers. Rejects when it is not open, not answered in time, or refused. */
  async send(name: string, args: (string | number | Buffer)[], raw = false): Promise<unknown> {
    const command = new Command(name, args, { replyEncoding: raw ? null : 'utf8' });
    try {
      return await (this.client.sendCommand(command) as Promise<unknown>);
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** The read path: the command tells its caller, who reports errors to {@link failed}. */
  sendRead(command: ReadCommand): void {
    this.#deadlines.watch(command);
    this.client.sendCommand(command);
  }

  /** One command with Buffers as its reply. The caller reports errors to {@link failed}. */
  sendRaw(name: string, args: (string | number | Buffer)[]): Promise<unknown> {
    return this.client.sendCommand(new Command(name, args, { replyEncoding: null })) as Promise<unknown>;
  }

  failed(error: unknown): void {
    if (error instanceof Error && MISROUTED.test(error.message)) {
      this.#listener.onMisrouted(this);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#deadlines.dispose();
    this.#lost();
    this.client.disconnect();
    // disconnect() ends the socket politely, which a frozen server never answers.
    this.client.stream?.destroy();
  }

  #identify(): void {
    this.epoch += 1;
    const { epoch } = this;
    this.send('info', ['server']).then(
      (info) => this.#opened(epoch, runIdOf(String(info))),
      (error: unknown) => {
        if (epoch !== this.epoch || this.#closed) {
          return;
        }
        if (error instanceof Error && error.message.startsWith('NOPERM')) {
          this.#listener.onWarning(
            this,
            'the user may not run INFO: a restart or failover that lost invalidations is then noticed only by a sequence that went back; grant +info',
          );
          this.#opened(epoch, UNKNOWN_RUN);
        } else {
          this.#later(() => epoch === this.epoch && this.client.status === 'ready' && this.#identify(), RETRY_INFO);
        }
      },
    );
  }

  #opened(epoch: number, runId: number): void {
    if (epoch === this.epoch && !this.#closed && this.client.status === 'ready') {
      this.runId = runId;
      this.open = true;
      this.#warned = false;
      this.#listener.onOpen(this);
    }
  }

  #lost(): void {
    this.epoch += 1;
    if (this.open) {
      this.open = false;
      this.#listener.onClosed(this);
    }
  }

  /** Once per outage: a server that is away would repeat itself at every attempt. */
  #warn(error: Error): void {
    if (!this.#warned && !this.#closed) {
      this.#warned = true;
      this.#listener.onWarning(this, `${this.name} (${this.role}): ${error.message}`);
    }
  }

  #later(run: () => void, ms: number): void {
    if (!this.#closed) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(run, ms).unref();
    }
  }
}

function runIdOf(info: string): number {
  const match = /^run_id:([0-9a-f]+)/m.exec(info);
  return match === null ? UNKNOWN_RUN : parseInt(match[1].slice(0, RUN_ID_DIGITS), 16);
}

export const unavailable = (why: string, cause?: unknown): TierError => new TierError(`Redis: ${why}`, cause);
