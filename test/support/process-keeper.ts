import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { eventually } from './eventually.js';

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * The reaper is a shell of its own session that reads our pids from a pipe. When the pipe closes, however we ended
 * (Jest hands specs a copy of `process` whose 'exit' event never fires, and a SIGKILL fires none at all), it ends the
 * pids still listed and removes our temp folder.
 */
const REAPER = `
live=' '
while read -r op pid; do
  case "$op" in
    +) live="$live$pid " ;;
    -) live="\${live%% $pid *} \${live#* $pid }" ;;
  esac
done
for pid in $live; do kill -9 "$pid" 2>/dev/null; done
rm -rf -- "$1"`;

interface Reaper {
  readonly shell: ChildProcess;
  readonly root: string;
  readonly gone: Promise<void>;
}

let reaper: Reaper | undefined;
const owned = new Set<OwnProcess>();
const closers = new Set<() => Promise<void>>();

function theReaper(): Reaper {
  if (reaper) return reaper;
  const root = mkdtempSync(join(tmpdir(), 'strata-'));
  const shell = spawn('sh', ['-c', REAPER, 'reaper', root], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const gone = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  (shell.stdin as Socket).unref();
  reaper = { shell, root, gone };
  return reaper;
}

/** A fresh folder for one server or child; all of them are removed by {@link stopAll} or when this process ends. */
export function ownDir(name: string): string {
  return mkdtempSync(join(theReaper().root, `${name}-`));
}

/** Has `close` called by {@link stopAll}, for what is no process (a proxy). Returns a function that withdraws it. */
export function onStopAll(close: () => Promise<void>): () => void {
  closers.add(close);
  return () => closers.delete(close);
}

/**
 * Ends everything this module registry started (servers, children, proxies) with SIGKILL by pid, waits until all are
 * gone and removes their folders. Call it in `afterAll` of every suite; calling it twice does no harm.
 */
export async function stopAll(): Promise<void> {
  const closed = await Promise.allSettled([...closers].map(async (close) => close()));
  closers.clear();
  await Promise.all([...owned].map(async (process) => process.kill9()));
  const ending = reaper;
  reaper = undefined;
  ending?.shell.ref();
  ending?.shell.stdin?.end();
  await ending?.gone;
  // Only now: a closer that fails must not leave servers behind.
  const failed = closed.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** One process that this suite started and therefore may stop, freeze and kill, always by pid. */
export class OwnProcess {
  readonly pid: number;
  /** Resolves when the process is gone; never rejects. */
  readonly exit: Promise<ProcessExit>;
  #ended: ProcessExit | undefined;
  readonly #child: ChildProcess;

  /** Takes over a child that has a pid, that is: one that was really started. */
  constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('OwnProcess: expected a started child; this one has no pid.');
    this.#child = child;
    this.pid = child.pid;
    const { stdin } = theReaper().shell;
    stdin?.write(`+ ${this.pid}\n`);
    owned.add(this);
    this.exit = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#ended = { code, signal };
        owned.delete(this);
        stdin?.write(`- ${this.pid}\n`);
        resolve(this.#ended);
      });
    });
  }

  get running(): boolean {
    return this.#ended === undefined;
  }

  /** Sends a signal; a process already gone is left alone (its pid may be somebody else's by now). */
  signal(name: NodeJS.Signals): void {
    if (this.running) this.#child.kill(name);
  }

  async kill9(): Promise<ProcessExit> {
    this.signal('SIGKILL');
    return this.exit;
  }

  /** SIGTERM (a frozen process is thawed first), then SIGKILL after `patience` ms (3000). */
  async terminate(patience = 3_000): Promise<ProcessExit> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const impatience = setTimeout(() => this.signal('SIGKILL'), patience);
    const exit = await this.exit;
    clearTimeout(impatience);
    return exit;
  }

  /** SIGSTOP; resolves once the kernel has stopped it, so not one more command is served afterwards. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    await eventually(() => !this.running || isStopped(this.pid), { every: 1, what: `process ${this.pid} is stopped` });
  }

  /** SIGCONT. */
  thaw(): void {
    this.signal('SIGCONT');
  }
}

/** `/proc/<pid>/stat` is "pid (name) state ..."; without /proc (macOS) the signal alone has to do. */
function isStopped(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return true;
  }
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}
