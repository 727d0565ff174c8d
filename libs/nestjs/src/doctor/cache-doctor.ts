import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  Background,
  duration,
  jsonSerializer,
  type CacheDefinition,
  type Strata,
  type TierFacts,
} from '@strata-cache/core';
import { examineCaches } from './cache-rules.js';
import { isInternal, type CacheFacts, type Checkup } from './checkup.js';
import { checklistOf, linesOf, ticksOf, type Checklist } from './checklist.js';
import type { Finding } from './finding.js';
import { examineServers } from './server-rules.js';

/** What the doctor looks at beside the engine. */
export interface DoctorParts {
  readonly strata: Strata;
  /** Names of caches that a decorator clears. */
  readonly clearedByMethods: () => ReadonlySet<string>;
  readonly httpRoutes: () => number;
  /** Examine at boot, and log what is found. */
  readonly atBoot: boolean;
}

/** The outcome of an examination. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly checklist: Checklist;
  /** One line when nothing was found; otherwise one line per finding, with its remedy. */
  readonly report: readonly string[];
  /** The checklist per cache, for people. */
  readonly table: readonly string[];
}

/** How long a second tier is given to answer at boot, ms, and how often it is asked. */
const BOOT_PATIENCE = 3_000;
const BOOT_PAUSE = 100;

const logger = new Logger('Strata');

/**
 * Examines the set-up of the cache: the servers, their rights and policy, the bus, the entries, the definitions, and whether each cache pays.
 * On demand (`examine()`), and at boot with `CacheModule.forRoot({ doctor: true })`, which then logs one line, or a warning per finding.
 * It changes nothing, and takes some hundred small commands.
 */
export class CacheDoctor implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: DoctorParts;
  readonly #background = new Background({ notice: ({ message }) => logger.warn(`doctor: ${message}`) });
  readonly #stop = new AbortController();
  #earlier: TierFacts | undefined;

  constructor(parts: DoctorParts) {
    this.#parts = parts;
  }

  async examine(): Promise<Diagnosis> {
    return this.#judge(await this.#parts.strata.facts());
  }

  onApplicationBootstrap(): void {
    // Behind the boot: a cache never delays the start of an application, and neither does looking at it.
    if (this.#parts.atBoot) this.#background.run('doctor', () => this.#examineAtBoot());
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    while (this.#background.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async #examineAtBoot(): Promise<void> {
    let facts = await this.#parts.strata.facts();
    for (let waited = 0; facts?.servers.length === 0 && waited < BOOT_PATIENCE; waited += BOOT_PAUSE) {
      await delay(BOOT_PAUSE, undefined, { ref: false, signal: this.#stop.signal }).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      facts = await this.#parts.strata.facts();
    }
    const { findings, report } = this.#judge(facts);
    for (const line of report) logger[findings.length === 0 ? 'log' : 'warn'](line);
  }

  #judge(tier: TierFacts | undefined): Diagnosis {
    const checkup = this.#checkup(tier);
    this.#earlier = tier ?? this.#earlier;
    const findings = [...examineServers(checkup), ...examineCaches(checkup)];
    const checklist = checklistOf(checkup);
    const servers =
      tier === undefined ? 'in process' : `${tier.servers.length} server${tier.servers.length === 1 ? '' : 's'}`;
    const healthy = `doctor: ${checkup.caches.length} caches, ${servers}: healthy (${ticksOf(checklist)})`;
    const report =
      findings.length === 0
        ? [healthy]
        : findings.map(
            ({ rule, about, message, remedy }) => `doctor: ${rule}: ${about}: ${message}. Remedy: ${remedy}.`,
          );
    return { findings, checklist, report, table: linesOf(checklist) };
  }

  #checkup(tier: TierFacts | undefined): Checkup {
    const { strata, clearedByMethods, httpRoutes } = this.#parts;
    const { maxStaleness, heartbeat, observed } = strata.settings;
    const cleared = clearedByMethods();
    const own = strata.caches().filter(({ name }) => !isInternal(name));
    const caches = own.map((cache) => factsOf(cache.definition, cache.stats(), cleared));
    return {
      namespace: strata.namespace,
      maxStaleness,
      heartbeat,
      caches,
      engine: strata.stats(),
      tier,
      earlier: this.#earlier,
      observed,
      httpRoutes: httpRoutes(),
    };
  }
}

function factsOf(definition: CacheDefinition, stats: CacheFacts['stats'], cleared: ReadonlySet<string>): CacheFacts {
  const { name, owner, version, ttl, negativeTtl, expectedHitRatio, serializer, invalidatedBy } = definition;
  return {
    name,
    owner,
    version,
    ttl: duration(ttl),
    negative: negativeTtl !== undefined,
    expectedHitRatio,
    serializer: (serializer ?? jsonSerializer()).id,
    cleared: cleared.has(name) || invalidatedBy !== undefined || stats.invalidations > 0,
    stats,
  };
}
