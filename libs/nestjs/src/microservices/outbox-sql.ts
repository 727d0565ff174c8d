/** The databases an outbox can live in. */
export type OutboxDialect = 'postgres' | 'sqlite';

/** Runs one statement where its caller is: in their transaction, or on a connection held for them. Rows have the column names of the statement. */
export type SqlExecutor = (
  sql: string,
  parameters: readonly unknown[],
) => Promise<{ readonly rows: readonly unknown[] }>;

/** The statements of one outbox. Parameters stand in the order of the comment above each. */
export interface OutboxStatements {
  /** Creates the table and its index, where they are missing. */
  readonly schema: readonly string[];
  /** id, type, payload, version, key, headers. */
  readonly insert: string;
  /** limit. */
  readonly due: string;
  /** What begins and ends the work of a relay on one batch. */
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
  /** Whether the rows of a batch stay locked while it is published, so that other relays pass them over. */
  readonly locksRows: boolean;
  /** The ids. */
  remove(count: number): string;
  /** error, ms until the next attempt, whether it is dead (0 or 1), id. */
  readonly postpone: string;
  /** limit. */
  readonly dead: string;
  readonly backlog: string;
  /** Makes dead events due again. */
  readonly revive: string;
}

/** Milliseconds since 1970 by the clock of the database: relays on several machines agree on it. */
const NOW = {
  postgres: `cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
  sqlite: `cast((julianday('now') - 2440587.5) * 86400000 as integer)`,
} as const;

/** A relay that stands still in the middle of a batch (a frozen process, a dead link) loses its locks after this. */
const IDLE_LIMIT = '30s';

/** @param table a name that has been checked: it stands in the text of the statements */
export function outboxStatements(dialect: OutboxDialect, table: string): OutboxStatements {
  const now = NOW[dialect];
  const parameter = (position: number): string => (dialect === 'postgres' ? `$${position}` : '?');
  const [p1, p2, p3, p4, p5, p6] = [1, 2, 3, 4, 5, 6].map(parameter);
  const bigint = dialect === 'postgres' ? 'bigint' : 'integer';
  const position =
    dialect === 'postgres'
      ? 'bigint generated always as identity primary key'
      : // Without autoincrement SQLite gives the position of a removed row to a new one.
        'integer primary key autoincrement';
  const index = `${table.replace('.', '_')}_due`;
  return {
    schema: [
      `create table if not exists ${table} (
  position ${position},
  id text not null unique,
  type text not null,
  payload text not null,
  version ${bigint},
  routing_key text,
  headers text,
  occurred_at ${bigint} not null,
  attempts integer not null default 0,
  due_at ${bigint} not null default 0,
  dead_at ${bigint},
  last_error text
)`,
      `create index if not exists ${index} on ${table} (position) where dead_at is null`,
    ],
    insert:
      `insert into ${table} (id, type, payload, version, routing_key, headers, occurred_at) ` +
      `values (${p1}, ${p2}, ${p3}, ${p4}, ${p5}, ${p6}, ${now}) on conflict (id) do nothing`,
    due:
      `select id, type, payload, version, routing_key as route, headers, occurred_at as occurred, attempts from ${table} ` +
      `where dead_at is null and due_at <= ${now} order by position limit ${p1}` +
      (dialect === 'postgres' ? ' for update skip locked' : ''),
    begin:
      // Immediate: a transaction that begins as a reader and turns writer fails when another process has written in between.
      dialect === 'postgres' ? 'begin' : 'begin immediate',
    commit: 'commit',
    rollback: 'rollback',
    locksRows: dialect === 'postgres',
    remove: (count) =>
      `delete from ${table} where id in (${Array.from({ length: count }, (_, at) => parameter(at + 1)).join(', ')})`,
    postpone:
      `update ${table} set attempts = attempts + 1, last_error = ${p1}, due_at = ${now} + ${p2}, ` +
      `dead_at = case when ${p3} = 1 then ${now} end where id = ${p4}`,
    dead:
      `select id, type, payload, version, routing_key as route, headers, occurred_at as occurred, attempts, last_error as error ` +
      `from ${table} where dead_at is not null order by position limit ${p1}`,
    backlog:
      `select count(*) filter (where dead_at is null) as waiting, count(dead_at) as dead, ` +
      `${now} - min(case when dead_at is null then occurred_at end) as oldest from ${table}`,
    revive: `update ${table} set dead_at = null, due_at = 0, attempts = 0 where dead_at is not null`,
  };
}

/** What PostgreSQL is told at the beginning of each batch. */
export const RELAY_SESSION = `set local idle_in_transaction_session_timeout = '${IDLE_LIMIT}'`;
