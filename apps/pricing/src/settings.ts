import { fileURLToPath } from 'node:url';

/** Everything the environment decides, read once at start. */
export interface Settings {
  readonly port: number;
  /** PostgreSQL when set, in a schema of its own named `pricing`; otherwise the embedded SQLite in `databaseFile`. */
  readonly databaseUrl: string | undefined;
  readonly databaseFile: string;
  /** Where prices are asked for and `price.changed` is published; without it there is HTTP only, and nobody is told of changes. */
  readonly natsUrl: string | undefined;
  /** What `Authorization: Bearer` must say to change a price over HTTP. Not needed in development. */
  readonly adminToken: string | undefined;
  /** How long an event may wait whose writer died right after the commit, ms. */
  readonly outboxPollInterval: number;
  /** A collector of OpenTelemetry that gets the spans, such as `http://localhost:4318`. */
  readonly otlpEndpoint?: string | undefined;
  readonly development: boolean;
}

/**
 * Reads PORT (3100), DATABASE_URL (unset), DATABASE_FILE (apps/pricing/.data/pricing.db), NATS_URL (unset), ADMIN_TOKEN (unset),
 * OUTBOX_POLL_INTERVAL (1000), OTEL_EXPORTER_OTLP_ENDPOINT (unset) and NODE_ENV. Throws an Error that names the variable when a value makes no sense.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return {
    port: integer('PORT', env.PORT, 3100),
    databaseUrl: env.DATABASE_URL || undefined,
    // One level above both src/ and dist/, so that the built and the tested app mean the same place.
    databaseFile: env.DATABASE_FILE || fileURLToPath(new URL('../.data/pricing.db', import.meta.url)),
    natsUrl: env.NATS_URL || undefined,
    adminToken: env.ADMIN_TOKEN || undefined,
    outboxPollInterval: Math.max(100, integer('OUTBOX_POLL_INTERVAL', env.OUTBOX_POLL_INTERVAL, 1_000)),
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined,
    development: env.NODE_ENV !== 'production',
  };
}

function integer(name: string, text: string | undefined, fallback: number): number {
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is '${text}': write a whole number.`);
  return value;
}
