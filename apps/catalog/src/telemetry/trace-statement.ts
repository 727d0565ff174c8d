import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** A span around one statement: its text has placeholders, the values are left out. */
export async function traceStatement<T>(sql: string, run: () => Promise<T>): Promise<T> {
  return trace
    .getTracer('catalog')
    .startActiveSpan('sql', { kind: SpanKind.CLIENT, attributes: { 'db.query.text': sql } }, async (span) => {
      try {
        return await run();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
}
