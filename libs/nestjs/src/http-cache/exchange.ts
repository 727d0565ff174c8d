import type { Clock } from '@strata-cache/core';
import type { CacheStatus } from './cache-status.js';
import type { Capture } from './capture.js';
import type { RequestFields } from './field.js';
import type { RoutePolicy } from './route-policy.js';
import type { HttpCacheSettings } from './settings.js';
import type { ResponseFields } from './stored-headers.js';
import type { StoredVariant } from './stored-response.js';

/** A request, the same on every platform. */
export interface RequestView {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** The same as routing saw it: another one where middleware has rewritten it. */
  readonly routed: string;
  readonly fields: RequestFields;
  /** From Host or `:authority`, lower case. */
  readonly host: string;
  readonly protocol: string;
  /** The platform's own, for what only the application understands. */
  readonly native: object;
}

/** What `version` said, as validators. */
export interface Validators {
  readonly exists: boolean;
  readonly etag: string | undefined;
  readonly lastModified: number | undefined;
}

/** What went differently than the application asked for: its tags are more, or others, than a field or an entry takes. */
export type HttpWarning = 'tags-on-the-wire' | 'tags-of-an-entry';

/** How a response is counted: what the cache did, and why. */
export type Outcome = [outcome: string, reason: string];

const NONE: ResponseFields = Object.freeze({});
const NO_NAMES: readonly string[] = Object.freeze([]);

/** What is known of one request and its response between the interceptor and the last byte. */
export class Exchange {
  readonly request: RequestView;
  readonly route: RoutePolicy;
  readonly settings: HttpCacheSettings;
  readonly clock: Clock;
  /** Set when the decision was made on entry; commit may only find more. */
  identity: string | undefined;
  validators: Validators | undefined;
  /** The condition holds: the response is this status, and nothing else was done. */
  verdict: 304 | undefined;
  /** Answers instead of the handler. */
  answer: { readonly variant: StoredVariant; readonly status: CacheStatus } | undefined;
  /** Answers instead of a 5xx (RFC 5861 section 4). */
  fallback: StoredVariant | undefined;
  capture: Capture | undefined;
  cacheStatus: CacheStatus | undefined;
  /** Fields that were there before the handler ran. */
  before: ResponseFields = NONE;
  /** Tags of the response. */
  tags: readonly string[] = NO_NAMES;
  /** What `store.by` said, once it was asked, as a part of the key. */
  owner: { readonly part: string | undefined } | undefined;
  /** Names of fields in the key. */
  keyed: readonly string[] = NO_NAMES;
  committed = false;
  /** A write whose handler nobody decorated: the platform sends its response as ever. */
  plain = false;
  /** What is to be stored once the head is out and no cookie came late. */
  pending: { readonly variant: StoredVariant; readonly tags: readonly string[] } | undefined;
  /** Counts what became of it. */
  onOutcome: ((outcome: Outcome) => void) | undefined;
  /** Says what the application should know, once for each handler. */
  warn: ((warning: HttpWarning) => void) | undefined;
  /** Called once the head is out. */
  onSent: ((status: number) => void) | undefined;

  constructor(request: RequestView, route: RoutePolicy, settings: HttpCacheSettings, clock: Clock) {
    this.request = request;
    this.route = route;
    this.settings = settings;
    this.clock = clock;
  }

  get isReading(): boolean {
    return this.request.method === 'GET' || this.request.method === 'HEAD';
  }
}
