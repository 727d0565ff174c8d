import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { ownDir } from './process-keeper.js';
import { launchServer, PortTakenError, type ServerLaunch, type ServerProcess } from './server-process.js';

/** One private message broker on loopback, which a test may kill and restart; always on the port it had first. */
export class Broker {
  /** Its own folder, where it keeps its data. */
  readonly dir: string;
  readonly #launch: (port: number, dir: string) => ServerLaunch | Promise<ServerLaunch>;
  #port: number | undefined;
  #process: ServerProcess | undefined;

  constructor(name: string, launch: (port: number, dir: string) => ServerLaunch | Promise<ServerLaunch>) {
    this.dir = ownDir(name);
    this.#launch = launch;
  }

  async start(): Promise<this> {
    for (let attempt = 1; ; attempt += 1) {
      const port = this.#port ?? (await freePort());
      try {
        this.#process = await launchServer(await this.#launch(port, this.dir));
        this.#port = port;
        return this;
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt >= 20) throw error;
        await delay(100);
      }
    }
  }

  /** SIGKILL: what is not on its disk is lost, connections are reset. */
  async kill9(): Promise<void> {
    await this.#process?.own.kill9();
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    await this.#process?.own.terminate(15_000);
  }

  get running(): boolean {
    return this.#process?.own.running ?? false;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('Broker.port: start() first.');
    return this.#port;
  }

  get log(): readonly string[] {
    return this.#process?.log ?? [];
  }
}
