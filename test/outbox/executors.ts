import type { SqlExecutor } from '@strata-cache/nestjs/microservices';
import { CompiledQuery, type Kysely } from 'kysely';

/** Kysely's transaction, connection or database as an executor. */
export function executorOf(sql: Kysely<any>): SqlExecutor {
  return (text, parameters) => sql.executeQuery(CompiledQuery.raw(text, [...parameters]));
}
