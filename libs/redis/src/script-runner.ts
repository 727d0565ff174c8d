import { randomInt } from 'node:crypto';
import type { Link } from './link.js';
import type { Script } from './scripts/script.js';
import type { ShardKeys } from './shard.js';

/** Above every stamp, and still exact in a double. */
const INCARNATION_TOP = 9e15;

/** What scripts are told besides their own arguments. */
export interface ScriptSettings {
  /** ms */
  readonly maxStaleness: number;
  readonly shards: number;
  /** On a cluster messages go to the shard's own master. */
  readonly sharded: boolean;
}

/** Runs scripts by digest, and by text where the server does not know them (yet, or since SCRIPT FLUSH or a failover). */
export class ScriptRunner {
  readonly #settings: ScriptSettings;

  constructor(settings: ScriptSettings) {
    this.#settings = settings;
  }

  /** State and head, then `keys`; the common arguments (scripts/state.ts), then `args`. */
  async run(
    link: Link,
    script: Script,
    shard: ShardKeys,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<string[]> {
    const reply = await evaluate(
      link,
      script,
      [shard.state, shard.head, ...keys],
      [...this.#common(link, shard), ...args],
    );
    return reply as string[];
  }

  /** For scripts that touch a lease only. */
  async runPlain(
    link: Link,
    script: Script,
    shard: ShardKeys,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<number> {
    return Number(await evaluate(link, script, keys, [...this.#common(link, shard), ...args]));
  }

  #common(link: Link, shard: ShardKeys): (string | number)[] {
    const { maxStaleness, shards, sharded } = this.#settings;
    const incarnation = INCARNATION_TOP - randomInt(2 ** 32);
    return [
      link.runId,
      incarnation,
      maxStaleness,
      shards,
      sharded ? 'SPUBLISH' : 'PUBLISH',
      shard.busChannel,
      shard.wakeChannel,
    ];
  }
}

/** Runs a script with exactly these keys and arguments. */
export async function evaluate(
  link: Link,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  const { epoch } = link;
  const rest = [keys.length, ...keys, ...args];
  try {
    return await link.send('evalsha', [script.sha, ...rest]);
  } catch (error) {
    // Not on another connection: the arguments carry this one's run id.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT') && epoch === link.epoch) {
      return link.send('eval', [script.lua, ...rest]);
    }
    throw error;
  }
}
