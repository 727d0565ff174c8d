import { combined, type FieldValue } from './field.js';

/** Why a request was not answered from the store (RFC 9211 section 2.2). */
export type ForwardReason = 'uri-miss' | 'vary-miss' | 'stale' | 'bypass' | 'method' | 'request' | 'miss';

/** What this cache did with a request. */
export interface CacheStatus {
  readonly hit?: boolean | undefined;
  readonly forward?: ForwardReason | undefined;
  /** The status the handler answered with, where it is not the one that is sent. */
  readonly forwardStatus?: number | undefined;
  readonly stored?: boolean | undefined;
  readonly collapsed?: boolean | undefined;
  /** Seconds of freshness left; negative when stale. */
  readonly ttl?: number | undefined;
  /** Sent only when the application asked for details. */
  readonly detail?: string | undefined;
}

/**
 * A member of Cache-Status (RFC 9211 section 2). What other caches on the way have said stays in front: the list is ordered from the
 * origin to the client.
 */
export function formatCacheStatus(name: string, status: CacheStatus, earlier: FieldValue, details: boolean): string {
  let member = name;
  if (status.hit === true) member += '; hit';
  if (status.forward !== undefined) member += `; fwd=${status.forward}`;
  if (status.forwardStatus !== undefined) member += `; fwd-status=${status.forwardStatus}`;
  if (status.ttl !== undefined) member += `; ttl=${Math.trunc(status.ttl)}`;
  if (status.stored === true) member += '; stored';
  if (status.collapsed === true) member += '; collapsed';
  if (details && status.detail !== undefined) member += `; detail=${status.detail}`;
  if (earlier === undefined) return member;
  const before = combined(earlier)?.trim();
  return before === undefined || before === '' ? member : `${before}, ${member}`;
}
