/** An event that was given up. */
interface Given {
  readonly type: string;
  readonly id: string;
  readonly attempts: number;
  readonly error: string;
}

/** Every text about the outbox that a user reads. */
export const outboxMessages = {
  noDialect: (): string => `Outbox: dialect is required: 'postgres' or 'sqlite'`,

  badTable: (option: string): string =>
    `${option}: expected a table such as strata_outbox, or on PostgreSQL pricing.outbox: lower-case letters, digits and "_"`,

  missing: (option: string, expected: string): string => `OutboxRelay: ${option} is required: ${expected}`,

  notJson: (type: string, error: unknown): string =>
    `Outbox.enqueue "${type}": the payload has no JSON form; send ids and plain data. Cause: ${String(error)}`,

  tooLarge: (type: string, bytes: number, max: number): string =>
    `Outbox.enqueue "${type}": ${bytes} bytes with its envelope, and maxEventBytes is ${max}; send what identifies the change, such as an id`,

  badVersion: (type: string, version: unknown): string =>
    `Outbox.enqueue "${type}": version: expected a whole number that rises with every change, got ${String(version)}`,

  brokerAway: (error: unknown): string =>
    `the broker takes no events; they stay in the outbox until it is back. Cause: ${String(error)}`,

  pollFailed: (error: unknown): string =>
    `the outbox could not be read or settled; tried again. Events may be published twice. Cause: ${String(error)}`,

  dead: ({ type, id, attempts, error }: Given): string =>
    `event "${type}" (${id}) was given up after ${attempts} attempts; it stays in the outbox, see Outbox.dead and revive. ` +
    `Cause: ${error}`,

  onDeadFailed: (error: unknown): string =>
    `onDead threw; the event is in the outbox all the same. Cause: ${String(error)}`,

  late: (ms: number): string => `no answer within ${ms} ms`,
} as const;
