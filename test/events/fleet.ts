import 'reflect-metadata';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheEvents, CacheEventsModule } from '@strata-cache/nestjs/microservices';
import { fork, type Child } from '../support/child.js';
import { freePort } from '../support/free-port.js';
import { ownDir } from '../support/process-keeper.js';
import { emitterOf, type FleetSettings } from './fleet-settings.js';
import type { InstanceHandlers, Report } from './instance.child.js';

type Process = Child<InstanceHandlers>;

interface Member {
  process: Process;
  readonly journal: string;
  readonly settings: FleetSettings;
  name: string;
}

const INSTANCES = 3;

/** Processes that were started before and wait for a scenario: starting one takes longer than most scenarios. */
const idle: Process[] = [];

async function process_(): Promise<Process> {
  return idle.pop() ?? fork<InstanceHandlers>(new URL('./instance.child.ts', import.meta.url));
}

/** Starts the processes ahead, all at once. */
export async function warmUp(count = INSTANCES): Promise<void> {
  idle.push(...(await Promise.all(Array.from({ length: count }, process_))));
}

/** Three instances of a service in processes of their own, and an emitter in this one. */
export class Fleet {
  readonly events: CacheEvents;
  readonly versions: number[];
  readonly #settings: FleetSettings;
  readonly #members: Member[];
  readonly #emitter: INestApplicationContext;
  #born = 0;

  private constructor(settings: FleetSettings, count: number, emitter: INestApplicationContext, members: Member[]) {
    this.#settings = settings;
    this.#emitter = emitter;
    this.#members = members;
    this.events = emitter.get(CacheEvents);
    this.versions = Array.from({ length: count }, () => 0);
  }

  static async start(settings: FleetSettings, count: number): Promise<Fleet> {
    const all: FleetSettings[] = [];
    for (let index = 0; index < INSTANCES; index++) {
      all.push(settings.transport === 'tcp' ? { ...settings, port: await freePort() } : settings);
    }
    // Over TCP an emitter reaches one peer: the one that tells the others through Redis, or each by itself.
    const reached = settings.transport !== 'tcp' || settings.redisUrl !== undefined ? all.slice(0, 1) : all;
    @Module({
      imports: [CacheEventsModule.forRoot({ client: reached.map(emitterOf), source: 'emitter', emitTimeout: '500ms' })],
    })
    class EmitterModule {}
    const folder = ownDir('journals');
    const members = await Promise.all(
      all.map(async (own, index) => ({
        process: await process_(),
        journal: join(folder, `i${index}`),
        settings: own,
        name: `i${index}`,
      })),
    );
    await Promise.all(members.map(async (member) => start(member, count)));
    const emitter = await NestFactory.createApplicationContext(EmitterModule, { logger: false });
    return new Fleet(settings, count, emitter, members);
  }

  async read(): Promise<void> {
    await this.#all((process) => process.call('read'));
  }

  async rest(): Promise<void> {
    await this.#all((process) => process.call('rest'));
  }

  /** Changes the source: from now on every instance loads the new version. */
  async commit(ids: readonly number[]): Promise<void> {
    const changes = ids.map((id) => [id, ++this.versions[id]] as const);
    await this.#all((process) => process.call('commit', changes as never));
  }

  /** How many entries each instance has in memory. */
  async held(): Promise<readonly number[]> {
    return this.#all((process) => process.call('held'));
  }

  /** Entries in the memory of any instance that are older than the source, one for each instance. */
  async stale(): Promise<number> {
    const lists = await this.#all((process) => process.call('stale'));
    return lists.reduce((sum, list) => sum + list.length, 0);
  }

  /** Ids of the events that arrived anywhere, at instances that were killed since as well. Whether they had their effect, `stale` says. */
  heard(): ReadonlySet<string> {
    return new Set(
      this.#members.flatMap(({ journal }) => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n') : [])),
    );
  }

  async connections(): Promise<readonly number[]> {
    return this.#all((process) => process.call('connections'));
  }

  async reports(): Promise<readonly Report[]> {
    return this.#all((process) => process.call('report'));
  }

  /**
   * Kills an instance with -9 and starts another in its place, under a new name, as a scheduler would. The last one; where a single instance
   * receives for all, that one.
   */
  async replaceOne(): Promise<void> {
    const isSingle = this.#settings.transport === 'tcp' && this.#settings.redisUrl !== undefined;
    const member = this.#members.at(isSingle ? 0 : -1)!;
    const replacement = process_();
    await member.process.kill9();
    member.process = await replacement;
    member.name = `${member.name}.${++this.#born}`;
    await start(member, this.versions.length);
    await member.process.call('commit', this.versions.map((version, id) => [id, version] as const) as never);
    await member.process.call('read');
  }

  async stop(): Promise<void> {
    await this.#emitter.close();
    // One that died is told and no more: what made the scenario fail must not be hidden by what stopping it makes fail.
    for (const { name, process } of this.#members) {
      if (process.running) await process.call('stop').then(() => idle.push(process));
      else console.error(`Instance ${name} is dead. Its last words:\n${process.output}`);
    }
  }

  get settings(): FleetSettings {
    return this.#settings;
  }

  #all<Result>(run: (process: Process) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.#members.map(({ process }) => run(process)));
  }
}

async function start({ process, settings, name, journal }: Member, count: number): Promise<void> {
  await process.call('start', { settings, instance: name, count, journal });
}
