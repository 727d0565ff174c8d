import type { OnFailure } from './event-receiver.js';

/** What is needed of a Redis client: `Redis` and `Cluster` of ioredis have it. */
export interface StreamClient {
  xadd(key: string, ...words: (string | number)[]): Promise<unknown>;
}

/**
 * An `onFailure` that keeps events in a Redis stream, as fields `reason`, `error` and `event` (the envelope as JSON).
 * @param maxLength about how many are kept. Default 10,000
 */
export function deadLetterStream(client: StreamClient, key: string, { maxLength = 10_000 } = {}): OnFailure {
  return async ({ reason, envelope, error }) => {
    const fields = ['reason', reason, 'error', String(error), 'event', JSON.stringify(envelope)];
    await client.xadd(key, 'MAXLEN', '~', maxLength, '*', ...fields);
  };
}
