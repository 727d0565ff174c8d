import type { Exchange, Outcome } from './exchange.js';

const BY_VERSION: Outcome = ['304', 'version'];

/** Reasons to leave the store out, as the interceptor gives them; an application's own name of who is asking is none of them. */
const BYPASSES = new Set([
  'absent',
  'by',
  'vary',
  'variants',
  'method',
  'wait',
  'alone',
  'request',
  'moved',
  'authorization',
  'cookie',
  'user',
]);

/** What became of an exchange, known once its head is out. In words from here, never what a request or an application said. */
export function outcomeOf(exchange: Exchange, status: number): Outcome {
  const { answer, cacheStatus, capture, fallback, pending, verdict, isReading } = exchange;
  if (status === 304) return verdict === 304 ? BY_VERSION : ['304', answer === undefined ? 'handler' : 'stored'];
  if (status === 412) return ['412', 'read'];
  if (!isReading) return ['pass', 'write'];
  if (answer !== undefined)
    return ['hit', answer.status.collapsed ? 'collapsed' : isStale(answer.status) ? 'stale' : 'fresh'];
  if (fallback !== undefined && pending === undefined && status === fallback.status) return ['hit', 'error'];
  if (cacheStatus === undefined) return capture === undefined ? ['pass', 'policy'] : ['miss', 'refresh'];
  if (cacheStatus.forward !== 'bypass' && cacheStatus.forward !== 'method')
    return ['miss', cacheStatus.forward ?? 'miss'];
  return ['bypass', BYPASSES.has(cacheStatus.detail ?? '') ? (cacheStatus.detail as string) : 'identity'];
}

function isStale({ ttl = 0 }: { readonly ttl?: number | undefined }): boolean {
  return ttl < 0;
}
