import type { SqlConnection } from '@strata-cache/nestjs/microservices';
import Database from 'libsql';
import { Pool } from 'pg';

/** A connection as `OutboxRelay` takes it, made of a driver alone. */
export interface Bare {
  readonly connection: SqlConnection;
  close(): Promise<void>;
}

export function ofPg(url: string): Bare {
  const pool = new Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return {
    connection: async (work) => {
      const client = await pool.connect();
      try {
        return await work((text, parameters) => client.query(text, [...parameters]));
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

export function ofLibsql(file: string): Bare {
  const database = new Database(file);
  return {
    connection: (work) =>
      work(async (text, parameters) => {
        const statement = database.prepare(text);
        if (statement.reader) return { rows: statement.all([...parameters]) };
        statement.run([...parameters]);
        return { rows: [] };
      }),
    close: async () => void database.close(),
  };
}
