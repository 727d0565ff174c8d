import { Buffer } from 'node:buffer';
import { parseCacheControl } from './cache-control.js';
import { formatCacheStatus, type CacheStatus } from './cache-status.js';
import { effectivePolicy, type EffectivePolicy } from './effective-policy.js';
import { bodyEntityTag, isEntityTag } from './entity-tag.js';
import type { Exchange } from './exchange.js';
import { combined, tokens } from './field.js';
import { formatHttpDate, parseHttpDate } from './http-date.js';
import { identityOf } from './identity.js';
import { evaluatePreconditions, isConditional, type Verdict } from './preconditions.js';
import type { CommittedBody, ResponseHead } from './response-head.js';
import { variantOf } from './storable.js';
import { outcomeOf } from './outcome.js';
import { NOT_ON_304 } from './stored-headers.js';
import type { StoredVariant } from './stored-response.js';
import { tagFields } from './tag-headers.js';
import { mergeVary } from './vary.js';

/** What is to be sent: the body as it was, another one, or none. */
export type Sending = 'as-it-is' | 'nothing' | Buffer;

/** {@link decide}, and if that throws, such as in an `etag` function: what was planned must not go out with the error that comes instead. */
export function commit(exchange: Exchange, head: ResponseHead, body: CommittedBody): Sending {
  try {
    return decide(exchange, head, body);
  } catch (error) {
    commitAgain(exchange, head);
    throw error;
  }
}

/** A response that could not be sent as it was decided is sent anew, as an error. */
export function commitAgain(exchange: Exchange, head: ResponseHead): void {
  refuse(exchange, 'error', true);
  if (!exchange.isReading) return;
  closeHead(head, exchange.settings.targeted, exchange.settings.tagHeaders);
  head.set('Cache-Control', 'no-store');
}

/**
 * Decides a response at the one moment when its status, fields and bytes are final. Everything before it can still change: a handler may
 * throw after its headers were set, an interceptor may wrap its value, a serializer may leave fields out.
 */
function decide(exchange: Exchange, head: ResponseHead, body: CommittedBody): Sending {
  exchange.committed = true;
  if (!exchange.isReading) return commitOther(exchange, head);
  if (isRefused(exchange, head.status)) {
    exchange.answer = undefined;
    exchange.verdict = undefined;
  }
  if (exchange.answer !== undefined) return replay(exchange, head, exchange.answer.variant, exchange.answer.status);
  const { fallback } = exchange;
  if (fallback !== undefined && head.status >= 500) {
    const status: CacheStatus = { hit: true, forward: 'stale', forwardStatus: head.status };
    refuse(exchange, 'error', true);
    // What the handler had set before it failed is of another response.
    removeAll(
      head,
      Object.keys(head.fields()).filter((name) => !(name in exchange.before) && name !== 'set-cookie'),
    );
    return replay(exchange, head, fallback, { ...status, ttl: ttlOf(exchange, fallback) });
  }
  // What the same request without conditions would have got.
  const policy = policyOf(exchange, head, exchange.verdict === 304 ? 200 : head.status);
  applyPolicy(exchange, head, policy);
  if (exchange.verdict !== undefined) return withoutBody(exchange, head, exchange.verdict);
  applyValidators(exchange, head, policy, body);
  const stored = exchange.capture === undefined ? undefined : variantOf(exchange, head, policy, body);
  applyCacheStatus(exchange, head, policy, stored);
  const verdict = policy.validators ? conditionOf(exchange, head) : 'proceed';
  return verdict === 'proceed' ? 'as-it-is' : withoutBody(exchange, head, verdict);
}

/**
 * Whether somebody outside has redirected or refused a request that was answered already, as interceptors do that look at results. An
 * interceptor that only fails without one (5xx) has refused nobody.
 */
function isRefused({ answer, verdict }: Exchange, status: number): boolean {
  const answered = answer?.variant.status ?? verdict;
  return answered !== undefined && status !== answered && status >= 300 && status < 500;
}

/** A response to an unsafe method keeps what the handler set; a body of it is no representation to be validated (RFC 9110 section 9.3.4). */
function commitOther({ settings, cacheStatus }: Exchange, head: ResponseHead): Sending {
  if (settings.statusName !== undefined && cacheStatus !== undefined) {
    head.set('Cache-Status', formatCacheStatus(settings.statusName, cacheStatus, head.get('cache-status'), false));
  }
  return 'as-it-is';
}

function policyOf(exchange: Exchange, head: ResponseHead, status: number): EffectivePolicy {
  const { request, route, settings, identity } = exchange;
  return effectivePolicy(route, {
    method: request.method,
    status,
    // Again: a guard, a pipe or the handler may have found out who it is.
    identity: identity ?? identityOf(settings.identity, request.fields, request.native),
    setsCookie: head.get('set-cookie') !== undefined,
    hasOwnPolicy: head.get('cache-control') !== undefined || head.get('expires') !== undefined,
  });
}

function applyPolicy({ route, settings, tags, warn }: Exchange, head: ResponseHead, policy: EffectivePolicy): void {
  if (policy.cacheControl !== undefined) head.set('Cache-Control', policy.cacheControl);
  if (!policy.validators) closeHead(head, settings.targeted, settings.tagHeaders);
  if (route.vary.length > 0) {
    const vary = mergeVary(head.get('vary'), route.vary);
    if (vary !== undefined) head.set('Vary', vary);
  }
  if (policy.targeted !== undefined) {
    for (const name of settings.targeted) head.set(name, policy.targeted);
  }
  if (policy.tags) {
    for (const { name, value, degraded } of tagFields(settings.tagHeaders, tags)) {
      head.set(name, value);
      if (degraded) warn?.('tags-on-the-wire');
    }
  }
}

/** Takes off what would let others keep or confirm a response that is not to be kept. */
export function closeHead(head: ResponseHead, targeted: readonly string[], tagHeaders: readonly string[]): void {
  for (const names of [VALIDATORS, targeted, tagHeaders]) removeAll(head, names);
}

const VALIDATORS = ['etag', 'last-modified', 'expires'];

/** Looks first: most are not there, and removing costs more than looking. */
function removeAll(head: ResponseHead, names: readonly string[]): void {
  for (const name of names) {
    if (head.get(name) !== undefined) head.remove(name);
  }
}

/** Statuses whose body is the representation itself; everything else gets no tag of its bytes. */
const TAGGED = new Set([200, 203]);

function applyValidators(exchange: Exchange, head: ResponseHead, policy: EffectivePolicy, body: CommittedBody): void {
  if (!policy.validators) return;
  const { validators, route, clock } = exchange;
  if (validators?.lastModified !== undefined && head.status < 300) {
    // Never later than Date (RFC 9110 section 8.8.2.1).
    head.set('Last-Modified', formatHttpDate(Math.min(validators.lastModified, clock.wall())));
  }
  if (head.get('etag') !== undefined) return;
  if (validators?.etag !== undefined) {
    if (head.status < 300 && head.status !== 206) head.set('ETag', validators.etag);
  } else if (route.etag !== false && body !== undefined && TAGGED.has(head.status)) {
    if (typeof route.etag === 'string') head.set('ETag', bodyEntityTag(body, route.etag));
    else setOwnTag(head, route.etag(typeof body === 'string' ? Buffer.from(body) : body));
  }
}

/** Quoted where it is not yet; what makes no entity tag is left out rather than sent. */
function setOwnTag(head: ResponseHead, given: string): void {
  const tag = isEntityTag(given) ? given : `"${given}"`;
  if (isEntityTag(tag)) head.set('ETag', tag);
}

/** Only where the same request without conditions would succeed (RFC 9110 section 13.2.1). */
function conditionOf({ request, clock }: Exchange, head: ResponseHead): Verdict {
  if (head.status < 200 || head.status > 299 || head.status === 206 || !isConditional(request)) return 'proceed';
  const etag = combined(head.get('etag'));
  const now = clock.wall();
  const date = combined(head.get('last-modified'));
  const lastModified = date === undefined ? undefined : parseHttpDate(date, now);
  if (etag === undefined && lastModified === undefined) return 'proceed';
  return evaluatePreconditions(
    { method: request.method, fields: request.fields, now },
    { exists: true, etag, lastModified },
  );
}

const HIT: CacheStatus = { hit: true };

/** 304 with the fields the 200 would have had, but no representation metadata (RFC 9110 section 15.4.5); 412 the same way. */
function withoutBody(exchange: Exchange, head: ResponseHead, verdict: 304 | 412): Sending {
  const { validators, cacheStatus, settings } = exchange;
  if (verdict === 304 && validators !== undefined && exchange.verdict !== undefined) {
    if (validators.etag !== undefined) head.set('ETag', validators.etag);
    if (validators.lastModified !== undefined) {
      head.set('Last-Modified', formatHttpDate(Math.min(validators.lastModified, exchange.clock.wall())));
    }
    setStatus(exchange, head, cacheStatus ?? HIT);
  }
  if (head.status !== verdict) head.status = verdict;
  removeAll(head, NOT_ON_304);
  if (verdict === 412) {
    closeHead(head, settings.targeted, settings.tagHeaders);
    head.set('Cache-Control', 'no-store');
  }
  return 'nothing';
}

function applyCacheStatus(
  exchange: Exchange,
  head: ResponseHead,
  policy: EffectivePolicy,
  stored: StoredVariant | undefined,
): void {
  const { cacheStatus, settings } = exchange;
  if (cacheStatus === undefined) return;
  const detail = settings.statusDetail && policy.store !== true ? policy.store : cacheStatus.detail;
  setStatus(exchange, head, { ...cacheStatus, stored: stored !== undefined, detail });
}

function setStatus({ settings }: Exchange, head: ResponseHead, status: CacheStatus): void {
  if (settings.statusName === undefined) return;
  const { statusName, statusDetail } = settings;
  head.set('Cache-Status', formatCacheStatus(statusName, status, head.get('cache-status'), statusDetail));
}

/** Status, fields and bytes as they were stored, with Age, and the condition of this very request (RFC 9111 sections 4 and 4.3.2). */
function replay(exchange: Exchange, head: ResponseHead, variant: StoredVariant, status: CacheStatus): Sending {
  const { request, clock } = exchange;
  const now = clock.wall();
  removeAll(head, ['content-length']);
  head.status = variant.status;
  for (const [name, value] of variant.fields) {
    if (name === 'vary') head.set(name, mergeVary(head.get(name), tokens(value)) ?? '');
    else head.set(name, typeof value === 'string' ? value : [...value]);
  }
  head.set('Age', String(Math.floor(Math.max(0, now - variant.storedAt + variant.age) / 1_000)));
  setStatus(exchange, head, status);
  const ok = variant.status >= 200 && variant.status <= 299;
  if (ok && isConditional(request)) {
    // Without Last-Modified the time it was made stands in (RFC 9111 section 4.3.2).
    const { etag, lastModified = variant.storedAt - variant.age } = variant;
    const verdict = evaluatePreconditions(
      { method: request.method, fields: request.fields, now },
      { exists: true, etag, lastModified },
    );
    if (verdict !== 'proceed') return withoutBody(exchange, head, verdict);
  }
  return variant.body;
}

/** Seconds of freshness left; negative when stale. */
export function ttlOf({ clock }: Exchange, { storedAt, freshFor }: StoredVariant): number {
  return Math.floor((storedAt + freshFor - clock.wall()) / 1_000);
}

export function refuse(exchange: Exchange, reason: string, failed: boolean): void {
  exchange.pending = undefined;
  exchange.capture?.settle({ refused: reason, failed });
}

/** The last moment: the head is out. Session middleware adds its cookie behind everybody's back, and no such response is stored. */
export function settle(exchange: Exchange, status: number, setsCookie: boolean): void {
  const { capture, pending, route } = exchange;
  exchange.onOutcome?.(outcomeOf(exchange, status));
  if (capture !== undefined) {
    if (pending === undefined) refuse(exchange, 'unknown', status >= 500);
    else if (setsCookie && !route.allowSetCookie) refuse(exchange, 'set-cookie', false);
    else capture.settle({ stored: pending.variant, tags: pending.tags });
  }
  exchange.onSent?.(status);
}

/** What Cache-Control says once a cookie came late, unless it forbids sharing already. */
export function sealedCacheControl(current: string | undefined): string | undefined {
  const directives = parseCacheControl(current);
  return directives.has('private') || directives.has('no-store') ? undefined : 'private, no-store';
}
