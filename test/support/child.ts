import { type ChildProcess, fork as forkNode } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildFailure, ChildHandlers, ChildMessage } from './child-side.js';
import { OwnProcess, type ProcessExit } from './process-keeper.js';

export { stopAll } from './process-keeper.js';

/** `env`: added to ours. `nodeArgs`: further words for node, such as `--max-old-space-size=64`. */
export interface ForkOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const REGISTER = new URL('./register-swc.mjs', import.meta.url).href;
const OUTPUT_CHARACTERS = 16_000;

/**
 * Starts a `.ts` or `.js` module in a process of its own (sources, no build) and resolves when it has called
 * `serveCalls`. `file`: a path, or a URL such as `new URL('./writer.child.ts', import.meta.url)`. Rejects with the
 * child's output when it ends before that. Type it by its handlers: `fork<typeof handlers>(...)`.
 */
export async function fork<Handlers extends ChildHandlers>(
  file: string | URL,
  args: readonly string[] = [],
  { env = {}, nodeArgs = [] }: ForkOptions = {},
): Promise<Child<Handlers>> {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const process_ = forkNode(path, args, {
    execArgv: ['--conditions=@strata-cache/source', '--import', REGISTER, ...nodeArgs],
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const child = new Child<Handlers>(process_);
  await child.ready;
  return child;
}

/** A child process that answers calls, and that a test may stop, continue and kill. */
export class Child<Handlers extends ChildHandlers> {
  /** Resolves when the child serves; rejects when it ended before. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #own: OwnProcess;
  readonly #calls = new Map<number, Waiting>();
  readonly #events = new Map<string, unknown[]>();
  readonly #listeners = new Map<string, Waiting[]>();
  #lastId = 0;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#own = new OwnProcess(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS);
      });
    }
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message: ChildMessage) => (message.kind === 'ready' ? resolve() : this.#receive(message)));
      // 'close', not 'exit': the output that explains the end is complete only then.
      child.once('close', (code, signal) => {
        const ended = new Error(`The child ended (${signal ?? `code ${code}`}). Its output:\n${this.#output}`);
        reject(ended);
        for (const waiting of [...this.#calls.values(), ...[...this.#listeners.values()].flat()]) waiting.reject(ended);
        this.#calls.clear();
        this.#listeners.clear();
      });
    });
  }

  get pid(): number {
    return this.#own.pid;
  }

  get running(): boolean {
    return this.#own.running;
  }

  /** What it wrote to stdout and stderr (the last 16,000 characters). */
  get output(): string {
    return this.#output;
  }

  /** Resolves with how it ended; never rejects. */
  get exit(): Promise<ProcessExit> {
    return this.#own.exit;
  }

  /**
   * Runs a handler in the child. Rejects with the handler's error (name, message and `code` kept), or when the child
   * ends before it answered. A stopped child answers when it is continued.
   */
  async call<Name extends keyof Handlers & string>(
    name: Name,
    ...[payload]: Parameters<Handlers[Name]>
  ): Promise<Awaited<ReturnType<Handlers[Name]>>> {
    const id = (this.#lastId += 1);
    const answer = await new Promise<unknown>((resolve, reject) => {
      if (!this.#child.connected) {
        reject(new Error(`The child is gone and cannot answer '${name}'.`));
        return;
      }
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ kind: 'call', id, name, payload } satisfies ChildMessage, (error) => {
        if (error && this.#calls.delete(id)) reject(error);
      });
    });
    return answer as Awaited<ReturnType<Handlers[Name]>>;
  }

  /** The next `tellParent(name, payload)` of the child not handed out yet; events wait here until asked for. */
  async next<Payload = unknown>(name: string): Promise<Payload> {
    const events = this.#events.get(name);
    if (events?.length) return events.shift() as Payload;
    return new Promise((resolve, reject) => {
      const waiting = { resolve: resolve as Waiting['resolve'], reject };
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), waiting]);
    });
  }

  /** SIGSTOP; resolves once it stands still. */
  async stop(): Promise<void> {
    await this.#own.freeze();
  }

  /** SIGCONT. */
  cont(): void {
    this.#own.thaw();
  }

  /** SIGKILL. */
  async kill9(): Promise<ProcessExit> {
    return this.#own.kill9();
  }

  /** SIGTERM, and SIGKILL when it is still there after 3 s: a child may shut down its application. */
  async terminate(): Promise<ProcessExit> {
    return this.#own.terminate();
  }

  #receive(message: ChildMessage): void {
    if (message.kind === 'event') {
      const listener = this.#listeners.get(message.name)?.shift();
      if (listener) listener.resolve(message.payload);
      else this.#events.set(message.name, [...(this.#events.get(message.name) ?? []), message.payload]);
    }
    if (message.kind === 'result') this.#take(message.id)?.resolve(message.result);
    if (message.kind === 'error') this.#take(message.id)?.reject(errorOf(message.error));
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    return waiting;
  }
}

function errorOf({ name, message, code, stack }: ChildFailure): Error {
  return Object.assign(new Error(message), { name, stack, ...(code === undefined ? {} : { code }) });
}
