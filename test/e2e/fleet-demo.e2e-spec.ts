import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { OwnProcess, stopAll } from '../support/process-keeper.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const SERVED = /instance \d \(port \d+\) served it ([\d.]+) ms after the commit/g;
/** Pids that a demo has printed: its own children, which it must end. */
const printed = new Set<number>();

afterAll(async () => {
  for (const pid of printed) if (lives(pid)) process.kill(pid, 'SIGKILL');
  await stopAll();
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

class Demo {
  readonly #child: ChildProcess;
  readonly own: OwnProcess;
  output = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { cwd: project, stdio: ['pipe', 'pipe', 'pipe'] });
    this.own = new OwnProcess(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        for (const pid of this.pids) printed.add(pid);
      });
    }
  }

  get pids(): readonly number[] {
    return [...this.output.matchAll(/, pid (\d+)/g)].map(([, pid]) => Number(pid));
  }

  get served(): readonly number[] {
    return [...this.output.matchAll(SERVED)].map(([, ms]) => Number(ms));
  }

  enter(): void {
    this.#child.stdin?.write('\n');
  }

  async serves(count: number): Promise<void> {
    await eventually(() => !this.own.running || this.served.length >= count, {
      within: 90_000,
      every: 50,
      what: 'demo',
    });
    expect(this.output).toContain('old price in memory');
    expect(this.served.length).toBeGreaterThanOrEqual(count);
  }
}

describe('npm run demo:fleet', () => {
  it('--once changes a price, three instances serve it, and nothing is left', async () => {
    const demo = new Demo('npm', ['run', '-s', 'demo:fleet', '--', '--once']);
    const exit = await demo.own.exit;
    expect([exit, demo.output]).toEqual([{ code: 0, signal: null }, expect.stringContaining('has ended')]);
    console.log(`demo:fleet: ${demo.served.join(', ')} ms after the commit`);
    expect(demo.served).toHaveLength(3);
    // Redis, NATS, pricing and three instances of the catalogue.
    expect([demo.pids.length, demo.pids.filter(lives)]).toEqual([6, []]);
  }, 180_000);

  it('changes it again on Enter, and Ctrl-C stops everything', async () => {
    const demo = new Demo(process.execPath, ['scripts/demo-fleet.mjs']);
    await demo.serves(3);
    demo.enter();
    await demo.serves(6);
    expect(demo.pids.filter(lives)).toHaveLength(6);
    demo.own.signal('SIGINT');
    await demo.own.exit;
    expect([demo.pids.length, demo.pids.filter(lives)]).toEqual([6, []]);
  }, 180_000);
});
