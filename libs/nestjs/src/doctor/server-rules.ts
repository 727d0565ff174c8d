import type { SampledEntry, ServerFacts } from '@strata-cache/core';
import { isInternal, type Checkup } from './checkup.js';
import { findings, type Finding } from './finding.js';

/** Clocks of two machines drift; beyond this many ms between two looks one of them was set. */
const STEP = 500;

/** What other policies than `volatile-lru` and `volatile-lfu` do to a cache. */
const POLICIES: Readonly<Record<string, string>> = {
  'allkeys-lru': 'the state of the namespace may be evicted, and the cache then starts cold',
  'allkeys-lfu': 'the state of the namespace may be evicted, and the cache then starts cold',
  'allkeys-random': 'it evicts whatever comes, the state of the namespace included',
  'volatile-random': 'it evicts entries without looking at their use',
  'volatile-ttl': 'it evicts what ends first, however often it is used',
  noeviction: 'when memory is full nothing new is stored',
};

/** Rules about the second tier and the bus. */
export function examineServers(checkup: Checkup): readonly Finding[] {
  const { tier } = checkup;
  if (tier === undefined) return [];
  if (tier.servers.length === 0) return [findings.unreachable()];
  return [
    ...tier.servers.flatMap((server) => examineServer(server, checkup)),
    ...examineBus(checkup),
    ...(tier.driverCopies.length > 1 ? [findings.driverCopies(tier.driverCopies)] : []),
  ];
}

function examineServer(server: ServerFacts, checkup: Checkup): readonly Finding[] {
  const found: Finding[] = [];
  const why = POLICIES[server.evictionPolicy ?? ''];
  // Without a limit the policy never acts.
  if (why !== undefined && server.maxBytes !== 0) {
    found.push(findings.evictionPolicy(server.server, server.evictionPolicy as string, why));
  }
  if (server.maxBytes === 0) found.push(findings.noMaxmemory(server.server));
  if (server.denied.length > 0) found.push(findings.acl(server.server, server.denied));
  const step = stepOf(server, checkup);
  if (Math.abs(step) > STEP) found.push(findings.clockStep(server.server, step));
  return [...found, ...examineEntries(server, server.entries ?? [], checkup)];
}

/** How far the server's wall clock moved against our monotonic one between two looks, ms. */
function stepOf(server: ServerFacts, { earlier }: Checkup): number {
  const before = earlier?.servers.find((one) => one.server === server.server);
  if (before?.wallClock === undefined || server.wallClock === undefined) return 0;
  return server.wallClock - before.wallClock - (server.askedAt - before.askedAt);
}

function examineEntries(server: ServerFacts, entries: readonly SampledEntry[], checkup: Checkup): readonly Finding[] {
  const known = new Map(checkup.caches.map((cache) => [cache.name, cache]));
  const strangers = [
    ...new Set(entries.map(({ cache }) => cache).filter((name) => !known.has(name) && !isInternal(name))),
  ];
  const found = strangers.length > 0 ? [findings.sharedPrefix(server.server, strangers, checkup.namespace)] : [];
  for (const { name, version, serializer } of checkup.caches) {
    const own = entries.filter((entry) => entry.cache === name && entry.version === version);
    const other = own.find((entry) => entry.serializer !== undefined && entry.serializer !== serializer);
    if (other?.serializer !== undefined) found.push(findings.serializer(name, other.serializer, serializer));
  }
  for (const name of new Set(entries.map(({ cache }) => cache))) {
    const lasting = entries.filter(({ cache, ttl }) => cache === name && ttl === undefined).length;
    if (lasting > 0) found.push(findings.noTtl(name, lasting));
  }
  return found;
}

function examineBus({ engine, maxStaleness, heartbeat }: Checkup): readonly Finding[] {
  if (engine.heartbeatAge > maxStaleness) return [findings.busBlocked(engine.heartbeatAge, maxStaleness)];
  if (maxStaleness < 2 * (heartbeat + engine.busLag)) {
    return [findings.busBound(maxStaleness, heartbeat, engine.busLag)];
  }
  return [];
}
