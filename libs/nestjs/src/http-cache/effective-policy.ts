import { cacheControlOf } from './policy-text.js';
import { isKeyedByUser, type RoutePolicy } from './route-policy.js';

/** What is known of a response when it is committed. */
export interface ResponseFacts {
  readonly method: string;
  readonly status: number;
  /** Why the request counts as one of a certain user, if it does. */
  readonly identity: string | undefined;
  readonly setsCookie: boolean;
  /** Cache-Control or Expires as the handler set them itself, or `@Header()`. */
  readonly hasOwnPolicy: boolean;
}

/** What a response is to say. */
export interface EffectivePolicy {
  /** The value of Cache-Control; undefined: leave what is there. */
  readonly cacheControl: string | undefined;
  /** For the targeted fields; undefined: none. */
  readonly targeted: string | undefined;
  /** May carry a validator and answer conditional requests. */
  readonly validators: boolean;
  /** May tell CDNs its tags. */
  readonly tags: boolean;
  /** May be stored, as far as the policy goes; a reason otherwise. */
  readonly store: true | string;
}

const UNTOUCHED: EffectivePolicy = {
  cacheControl: undefined,
  targeted: undefined,
  validators: false,
  tags: false,
  store: 'method',
};

/**
 * What a response says, by the order in which its facts count: errors, cookies, the handler's own word, credentials, the route's policy.
 * docs/http.md shows the same steps as a table.
 */
export function effectivePolicy(route: RoutePolicy, facts: ResponseFacts): EffectivePolicy {
  const { method, status, identity, setsCookie, hasOwnPolicy } = facts;
  if (method !== 'GET' && method !== 'HEAD') return UNTOUCHED;
  const error = status >= 400 ? route.errors.get(status) : undefined;
  // A policy written for successes must not keep a failure alive.
  if (status >= 400 && error === undefined) return closed('no-store', 'error');
  const cookieStays = setsCookie && !route.allowSetCookie;
  if (cookieStays) return closed('private, no-store', 'set-cookie');
  const personal = identity !== undefined && !route.shareAuthenticated;
  const store: true | string = personal && !isKeyedByUser(route) ? identity : true;
  if (hasOwnPolicy) {
    // Its word stands, the engine's store may only be stricter.
    const shared = route.scope === 'public' && !personal;
    return { cacheControl: undefined, targeted: undefined, validators: true, tags: shared, store };
  }
  if (route.scope === 'none') return closed('no-store', 'scope');
  const shared = route.scope === 'public' && !personal;
  const { said } = route;
  const planned = shared ? said.shared : said.personal;
  return {
    cacheControl: error === undefined ? planned : cacheControlOf(route, error, shared),
    targeted: shared && error === undefined ? said.targeted : undefined,
    validators: true,
    tags: shared,
    store,
  };
}

function closed(cacheControl: string, reason: string): EffectivePolicy {
  return { cacheControl, targeted: undefined, validators: false, tags: false, store: reason };
}
