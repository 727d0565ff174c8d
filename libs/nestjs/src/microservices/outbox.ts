import { randomUUID } from 'node:crypto';
import {
  asBytes,
  asFunction,
  asOneOf,
  CacheConfigError,
  checkEventName,
  readOptions,
  type ByteSize,
  type EventName,
  type EventPayload,
  type Rule,
} from '@strata-cache/core';
import { EVENT_DEFAULTS } from './cache-events-options.js';
import type { EventHeaders } from './envelope.js';
import { outboxMessages } from './outbox-messages.js';
import { outboxStatements, type OutboxDialect, type OutboxStatements, type SqlExecutor } from './outbox-sql.js';

/** Options of {@link Outbox}. */
export interface OutboxOptions {
  readonly dialect: OutboxDialect;
  /** The table, with its schema if need be: `'pricing.outbox'`. Default `'strata_outbox'`. */
  readonly table?: string | undefined;
  /** What travels along with each event, as for `CacheEventsModule`: kept in the row, for the relay publishes in no context of yours. */
  readonly headers?: (() => EventHeaders | undefined) | undefined;
  /** Larger payloads are refused when they are enqueued. Default `'256kb'`, as for `CacheEvents`. */
  readonly maxEventBytes?: ByteSize | undefined;
}

/** What `enqueue` may be told. */
export interface EnqueueOptions {
  /** Default: a random UUID. An id that is there already is not enqueued again. */
  readonly id?: string | undefined;
  /** As for `CacheEvents.emit`. */
  readonly version?: number | undefined;
  readonly key?: string | undefined;
}

/** An event that waits in the table. */
export interface OutboxEvent {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  readonly occurredAt: Date;
  readonly version: number | undefined;
  readonly key: string | undefined;
  readonly headers: EventHeaders | undefined;
  /** Attempts to publish it that failed by themselves; those while the broker was away do not count. */
  readonly attempts: number;
}

/** An event that was given up after `maxAttempts`. It is kept until it is revived or removed. */
export interface DeadEvent extends OutboxEvent {
  readonly error: string;
}

/** How much there is in the table. */
export interface OutboxBacklog {
  readonly waiting: number;
  readonly dead: number;
  /** ms since the oldest waiting event was enqueued; undefined when none waits. */
  readonly oldest: number | undefined;
}

/** Defaults of `Outbox`; docs/options.md lists them and a test compares. */
export const OUTBOX_DEFAULTS = { table: 'strata_outbox', maxEventBytes: EVENT_DEFAULTS.maxEventBytes } as const;

/** What an envelope adds to the payload at most: an event that could be enqueued shall not be too large to be published. */
const ENVELOPE_BYTES = 1_024;

/** It becomes part of statements: nothing that would need quoting. */
const TABLE = /^[a-z_][a-z0-9_]{0,40}(\.[a-z_][a-z0-9_]{0,40})?$/;

const asTable: Rule = (value, option) => {
  if (typeof value === 'string' && TABLE.test(value)) return value;
  throw new CacheConfigError(outboxMessages.badTable(option));
};

const RULES: Record<string, Rule> = {
  dialect: asOneOf('postgres', 'sqlite'),
  table: asTable,
  headers: asFunction,
  maxEventBytes: asBytes,
};

/**
 * A transactional outbox: events are written to a table in the transaction that changes the data, and an `OutboxRelay` publishes them from
 * there, at least once. A crash between commit and emit then loses nothing. It knows no query builder: see {@link SqlExecutor}.
 */
export class Outbox {
  /** The statements of this outbox, for the relay. */
  readonly statements: OutboxStatements;
  readonly #maxEventBytes: number;
  readonly #headers: (() => EventHeaders | undefined) | undefined;

  /** @throws CacheConfigError naming a wrong or unknown option */
  constructor(options: OutboxOptions) {
    const { dialect, table, maxEventBytes, headers } = {
      ...OUTBOX_DEFAULTS,
      ...readOptions('Outbox', options, RULES),
    } as {
      dialect?: OutboxDialect;
      table: string;
      maxEventBytes: number;
      headers?: () => EventHeaders | undefined;
    };
    if (dialect === undefined) throw new CacheConfigError(outboxMessages.noDialect());
    // SQLite's files have no schemas; an attached one is named elsewhere in the statements.
    if (dialect === 'sqlite' && table.includes('.'))
      throw new CacheConfigError(outboxMessages.badTable('Outbox: table'));
    this.statements = outboxStatements(dialect, table);
    this.#maxEventBytes = maxEventBytes;
    this.#headers = headers;
  }

  /** Creates the table and its index where they are missing. For your migrations: `statements.schema`. */
  async createTable(execute: SqlExecutor): Promise<void> {
    for (const statement of this.statements.schema) await execute(statement, []);
  }

  /**
   * Writes an event with the transaction of `execute`: it is published if that commits, and was never there if not. Returns its id.
   * @throws CacheConfigError for a name that is none, and for a payload that has no JSON form or is too large
   */
  async enqueue<Name extends EventName>(
    execute: SqlExecutor,
    name: Name,
    payload: EventPayload<Name>,
    { id = randomUUID(), version, key }: EnqueueOptions = {},
  ): Promise<string> {
    const type = checkEventName(name, 'Outbox.enqueue');
    let text: string | undefined;
    try {
      text = JSON.stringify(payload ?? null);
    } catch (error) {
      throw new CacheConfigError(outboxMessages.notJson(type, error), error);
    }
    if (text === undefined) throw new CacheConfigError(outboxMessages.notJson(type, `it is a ${typeof payload}`));
    const headers = this.#headers?.();
    const along = headers === undefined ? null : JSON.stringify(headers);
    const bytes = Buffer.byteLength(text) + Buffer.byteLength(along ?? '') + ENVELOPE_BYTES;
    if (bytes > this.#maxEventBytes) {
      throw new CacheConfigError(outboxMessages.tooLarge(type, bytes, this.#maxEventBytes));
    }
    if (version !== undefined && !Number.isSafeInteger(version)) {
      throw new CacheConfigError(outboxMessages.badVersion(type, version));
    }
    await execute(this.statements.insert, [id, type, text, version ?? null, key ?? null, along]);
    return id;
  }

  /** The events that were given up, oldest first; at most `limit` (100). */
  async dead(execute: SqlExecutor, limit = 100): Promise<readonly DeadEvent[]> {
    const { rows } = await execute(this.statements.dead, [limit]);
    return rows.map((row) => ({ ...readEvent(row), error: String((row as EventRow).error ?? '') }));
  }

  /** Makes every event that was given up due again, with all its attempts. */
  async revive(execute: SqlExecutor): Promise<void> {
    await execute(this.statements.revive, []);
  }

  /** For health checks: an `oldest` of more than a few poll intervals means that nobody relays, or that the broker is away. */
  async backlog(execute: SqlExecutor): Promise<OutboxBacklog> {
    const row = (await execute(this.statements.backlog, [])).rows[0] as Record<string, number | string | null>;
    const oldest = row.oldest === null ? undefined : Math.max(0, Number(row.oldest));
    return { waiting: Number(row.waiting), dead: Number(row.dead), oldest };
  }
}

/** As drivers give it: PostgreSQL's bigint comes as text. */
interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly payload: string;
  readonly version: number | string | null;
  readonly route: string | null;
  readonly headers: string | null;
  readonly occurred: number | string;
  readonly attempts: number | string;
  readonly error?: string | null;
}

/** An event of the table. A payload that is no JSON (somebody wrote to the table by hand) is handed on as the text it is. */
export function readEvent(row: unknown): OutboxEvent {
  const { id, type, payload, version, route, headers, occurred, attempts } = row as EventRow;
  return {
    id,
    type,
    payload: parsed(payload),
    version: version === null ? undefined : Number(version),
    key: route ?? undefined,
    headers: headersOf(headers),
    occurredAt: new Date(Number(occurred)),
    attempts: Number(attempts),
  };
}

function headersOf(text: string | null): EventHeaders | undefined {
  const headers = text === null ? null : parsed(text);
  return typeof headers === 'object' && headers !== null ? (headers as EventHeaders) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
