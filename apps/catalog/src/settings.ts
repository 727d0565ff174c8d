import { fileURLToPath } from 'node:url';

export type HttpAdapter = 'express' | 'fastify';

/** Everything the environment decides, read once at start. */
export interface Settings {
  readonly port: number;
  readonly adapter: HttpAdapter;
  /** PostgreSQL when set; otherwise the embedded SQLite in `databaseFile`. */
  readonly databaseUrl: string | undefined;
  readonly databaseFile: string;
  /** The second cache tier, shared by all instances; without it caching works in process. */
  readonly redisUrl: string | undefined;
  /** Where the pricing service is asked and heard; without it products cost what they are listed at. */
  readonly natsUrl?: string | undefined;
  /** How many products the first start seeds; each gets twenty reviews on average. */
  readonly seedProducts: number;
  /** A collector of OpenTelemetry, such as `http://localhost:4318`, that gets metrics and spans. */
  readonly otlpEndpoint?: string | undefined;
  /** Hits and misses go to the log, and 500 bodies keep their cause. */
  readonly development: boolean;
}

/**
 * Reads PORT (3000), ADAPTER (express), DATABASE_URL (unset), DATABASE_FILE (apps/catalog/.data/catalog.db), REDIS_URL (unset), NATS_URL (unset),
 * SEED_PRODUCTS (5000), OTEL_EXPORTER_OTLP_ENDPOINT (unset) and NODE_ENV. Throws an Error that names the variable when a value makes no sense.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const adapter = env.ADAPTER || 'express';
  if (adapter !== 'express' && adapter !== 'fastify') {
    throw new Error(`ADAPTER is '${adapter}': write 'express' or 'fastify', or leave it out for Express.`);
  }
  return {
    port: integer('PORT', env.PORT, 3000),
    adapter,
    databaseUrl: env.DATABASE_URL || undefined,
    // One level above both src/ and dist/, so that the built and the tested app mean the same place.
    databaseFile: env.DATABASE_FILE || fileURLToPath(new URL('../.data/catalog.db', import.meta.url)),
    redisUrl: env.REDIS_URL || undefined,
    natsUrl: env.NATS_URL || undefined,
    seedProducts: integer('SEED_PRODUCTS', env.SEED_PRODUCTS, 5000),
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
