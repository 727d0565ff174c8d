/** What a rule is called; stable, for filters. */
export type RuleName =
  | 'unreachable'
  | 'eviction-policy'
  | 'no-maxmemory'
  | 'acl'
  | 'bus-bound'
  | 'bus-blocked'
  | 'clock-step'
  | 'driver-copies'
  | 'shared-prefix'
  | 'serializer'
  | 'no-ttl'
  | 'one-ttl'
  | 'fast-source'
  | 'low-hit-ratio'
  | 'short-ttl'
  | 'churn';

/** Something the doctor found, and what to do about it. */
export interface Finding {
  readonly rule: RuleName;
  /** The cache or server it is about. */
  readonly about: string;
  readonly message: string;
  readonly remedy: string;
}

/** Every text of the doctor: what is wrong, and what to do. */
export const findings = {
  unreachable: (): Finding => ({
    rule: 'unreachable',
    about: 'second tier',
    message: 'no server of the second tier answers; every miss goes to the source',
    remedy: 'check the url and the network. The application works meanwhile and heals by itself',
  }),
  evictionPolicy: (about: string, policy: string, why: string): Finding => ({
    rule: 'eviction-policy',
    about,
    message: `maxmemory-policy is ${policy}: ${why}`,
    remedy: 'CONFIG SET maxmemory-policy volatile-lru (or volatile-lfu), and the same in redis.conf',
  }),
  noMaxmemory: (about: string): Finding => ({
    rule: 'no-maxmemory',
    about,
    message: 'no maxmemory: it grows until the machine has no memory left and the kernel ends it',
    remedy: 'CONFIG SET maxmemory to about three quarters of the memory it may have, and the same in redis.conf',
  }),
  acl: (about: string, denied: readonly string[]): Finding => ({
    rule: 'acl',
    about,
    message: `the user may not run ${denied.join(', ')}`,
    remedy: 'take the line aclLine(user, namespace) of @strata-cache/redis gives (docs/redis.md, rights)',
  }),
  busBound: (maxStaleness: number, heartbeat: number, lag: number): Finding => ({
    rule: 'bus-bound',
    about: 'bus',
    message: `maxStaleness (${maxStaleness} ms) is below two heartbeats as they come: each takes ${Math.round(heartbeat + lag)} ms, ${Math.round(lag)} ms of it on the way; one late heartbeat empties L1`,
    remedy: `raise maxStaleness to ${Math.ceil((2 * (heartbeat + lag)) / 1000) * 1000} or more, or lower heartbeat`,
  }),
  busBlocked: (age: number, maxStaleness: number): Finding => ({
    rule: 'bus-blocked',
    about: 'bus',
    message: `the server answers commands, but the bus was last proven alive ${Math.round(age)} ms ago (maxStaleness ${maxStaleness} ms): L1 is not served`,
    remedy:
      'let the user subscribe (aclLine of @strata-cache/redis), and let no proxy in between cut or refuse SUBSCRIBE and RESP3',
  }),
  clockStep: (about: string, step: number): Finding => ({
    rule: 'clock-step',
    about,
    message: `its wall clock stepped by ${Math.round(step)} ms against ours since the last look; entries age by that clock`,
    remedy: 'let NTP slew the clock of the server (chrony: no makestep after the start) instead of stepping it',
  }),
  driverCopies: (copies: readonly string[]): Finding => ({
    rule: 'driver-copies',
    about: 'ioredis',
    message: `two copies are installed: ${copies.join(' and ')}; instrumentation and instanceof of one miss the other`,
    remedy: 'ask for one version: npm ls ioredis, then npm dedupe or "overrides" in package.json',
  }),
  sharedPrefix: (about: string, caches: readonly string[], namespace: string): Finding => ({
    rule: 'shared-prefix',
    about,
    message: `under the namespace "${namespace}" there are entries of ${caches.join(', ')}, which this application does not define`,
    remedy:
      'give each application a namespace of its own ({env}:{service}); left over from an old version they go with their ttl',
  }),
  serializer: (cache: string, found: number, ours: number): Finding => ({
    rule: 'serializer',
    about: cache,
    message: `entries were written by serializer ${found}, this application reads with ${ours}: each is a miss and overwrites the others'`,
    remedy: 'use one serializer everywhere, or bump the version of the definition when it changes',
  }),
  noTtl: (cache: string, entries: number): Finding => ({
    rule: 'no-ttl',
    about: cache,
    message: `${entries} of the entries looked at have no ttl: they stay for ever, and volatile-* policies never evict them`,
    remedy: 'something else writes or PERSISTs under our prefix: find it, then strata.clear() and DEL what is left',
  }),
  oneTtl: (caches: number, ttl: string): Finding => ({
    rule: 'one-ttl',
    about: 'definitions',
    message: `all ${caches} caches have the ttl ${ttl}`,
    remedy: 'ask of each how old its answer may be, and what a miss costs: docs/choosing.md, ttl',
  }),
  fastSource: (cache: string, ms: number): Finding => ({
    rule: 'fast-source',
    about: cache,
    message: `its source answers in ${ms.toFixed(1)} ms on average: a cache costs more than it saves`,
    remedy: "read the source, or keep it in L1 alone (tiers: ['l1'])",
  }),
  lowHitRatio: (cache: string, ratio: number, expected: number): Finding => ({
    rule: 'low-hit-ratio',
    about: cache,
    message: `it answers ${percent(ratio)} of the lookups, expectedHitRatio is ${percent(expected)}`,
    remedy: 'look for a key that is too fine, a ttl too short, or too many invalidations: docs/choosing.md',
  }),
  shortTtl: (cache: string, ttl: number): Finding => ({
    rule: 'short-ttl',
    about: cache,
    message: `its ttl is ${ttl / 1000} s: it pays only for keys asked for more often than that`,
    remedy: 'invalidate on change and raise the ttl to 30 s or more; or keep it: for a hot key seconds can be right',
  }),
  churn: (cache: string, invalidations: number, hits: number): Finding => ({
    rule: 'churn',
    about: cache,
    message: `${invalidations} invalidations against ${hits} hits: it is cleared more often than it answers`,
    remedy: 'invalidate keys instead of tags, or do not cache what changes faster than it is read',
  }),
} as const;

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}
