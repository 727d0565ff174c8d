import { setTimeout as delay } from 'node:timers/promises';
import { type Child, fork, type ForkOptions } from '../support/child.js';
import type { Seeded } from '../support/seeded.js';
import type { Checker, Mode } from './checker.js';
import type { handlers } from './instance.child.js';
import { monotonic } from './monotonic.js';
import type { Register } from './registers.js';
import type { Fault } from './schedule.js';

type InstanceChild = Child<typeof handlers>;

export interface ChildrenSetting {
  readonly url: string;
  readonly mode: Mode;
  readonly maxStaleness: number;
  readonly heartbeat: number;
  readonly random: Seeded;
  readonly registers: readonly Register[];
  readonly checker: Checker;
  readonly fork: ForkOptions;
}

interface Question {
  readonly id: number;
  readonly keys: readonly number[];
}

/** Instances in processes of their own, judged by what they report, stopped and killed under load. */
export class Children {
  reads = 0;
  hits = 0;
  l2Hits = 0;
  executions = 0;
  invalidations = 0;
  readonly #setting: ChildrenSetting;
  readonly #children: InstanceChild[] = [];
  #ending = false;
  #born = 0;

  constructor(setting: ChildrenSetting) {
    this.#setting = setting;
  }

  async start(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) this.#children.push(await this.#spawn());
  }

  /** Ends the load of all, and adds up their counters. */
  async stop(): Promise<void> {
    this.#ending = true;
    for (const child of this.#children) {
      child.cont();
      const counted = await Promise.race([child.call('stop'), delay(8_000, undefined, { ref: false })]);
      this.hits += counted?.hits ?? 0;
      this.l2Hits += counted?.l2Hits ?? 0;
      this.executions += counted?.executions ?? 0;
      this.invalidations += counted?.invalidations ?? 0;
    }
    // The last reports are on their way.
    await delay(100);
    await Promise.all(this.#children.map(async (child) => child.kill9()));
  }

  faults(): Fault[] {
    const { random } = this.#setting;
    const any = (): InstanceChild => random.pick(this.#children);
    return [
      {
        name: 'instance stopped (SIGSTOP)',
        weight: 5,
        inject: async () => {
          const child = any();
          await child.stop();
          await delay(random.int(200, 2_500));
          child.cont();
        },
      },
      {
        name: 'instance killed (kill -9)',
        weight: 2,
        inject: async () => {
          const at = random.int(0, this.#children.length - 1);
          await this.#children[at].kill9();
          this.#children[at] = await this.#spawn();
        },
      },
    ];
  }

  async #spawn(): Promise<InstanceChild> {
    const { url, mode, maxStaleness, heartbeat, random } = this.#setting;
    const args = [url, mode, maxStaleness, heartbeat, random.int(0, 2 ** 31)].map(String);
    const child = await fork<typeof handlers>(
      new URL('./instance.child.ts', import.meta.url),
      args,
      this.#setting.fork,
    );
    this.#born += 1;
    const name = `child ${this.#born}`;
    this.#listen<Question>(child, 'versions', ({ id, keys }) => {
      void child
        .call('answer', { id, versions: keys.map((key) => this.#register(key).version) } as never)
        .catch(() => undefined);
    });
    this.#listen<Question>(child, 'commit', ({ id, keys }) => {
      void child
        .call('answer', { id, versions: keys.map((key) => this.#register(key).commit()) } as never)
        .catch(() => undefined);
    });
    this.#listen<{ keys: number[]; versions: number[]; at: number }>(child, 'acknowledged', ({ keys, versions }) => {
      // Recorded when it arrives: later than it happened, which only makes the judge milder.
      for (const [index, key] of keys.entries()) this.#register(key).acknowledge(versions[index], monotonic());
    });
    this.#listen<Float64Array>(child, 'reads', (reads) => {
      for (let at = 0; at < reads.length; at += 3) {
        this.reads += 1;
        this.#setting.checker.checkLater(this.#register(reads[at]), reads[at + 1], reads[at + 2], name);
      }
    });
    this.#listen<string>(child, 'error', (detail) => {
      this.#setting.checker.report({ what: 'foreign error', key: '?', instance: name, detail });
    });
    void child.call('start');
    return child;
  }

  #register(index: number): Register {
    return this.#setting.registers[index];
  }

  #listen<Payload>(child: InstanceChild, name: string, heard: (payload: Payload) => void): void {
    const loop = async (): Promise<void> => {
      while (!this.#ending || child.running) heard(await child.next<Payload>(name));
    };
    // Rejects when the child has ended: nothing more will be heard.
    loop().catch(() => undefined);
  }
}
