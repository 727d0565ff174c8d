import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { type Child, fork, stopAll } from './child.js';
import { eventually } from './eventually.js';
import type { SampleHandlers } from './fixtures/sample.child.js';

const file = new URL('./fixtures/sample.child.ts', import.meta.url);
const sample = async (args: string[] = []): Promise<Child<SampleHandlers>> => fork<SampleHandlers>(file, args);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('fork', () => {
  afterEach(async () => stopAll());

  it('runs a TypeScript module on the sources of the libraries', async () => {
    const child = await sample(['one', 'two']);
    const { url, isModule } = await child.call('coreUrl');
    expect(url).toMatch(/libs\/core\/src\/index\.ts$/);
    expect(isModule).toBe(true);
    expect(await child.call('decorated', 'x')).toBe('echo(x)');
    expect(await child.call('args')).toEqual(['one', 'two']);
  });

  it('passes payloads as structured clones', async () => {
    const child = await sample();
    const value = { map: new Map([['k', 1n]]), at: new Date(5), bytes: new Uint8Array([1, 2]), none: undefined };
    expect(await child.call('clone', value)).toEqual(value);
  });

  it('answers calls in parallel and hands errors over with name and code', async () => {
    const child = await sample();
    const never = child.call('never');
    await expect(child.call('fail')).rejects.toMatchObject({
      name: 'RangeError',
      code: 'ERR_SAMPLE',
      message: 'out of range',
    });
    expect(await child.call('clone', 1)).toBe(1);
    expect(await child.next('waiting')).toEqual({ since: new Date(0) });
    await child.kill9();
    await expect(never).rejects.toThrow(/ended \(SIGKILL\)/);
    await expect(child.call('clone', 1)).rejects.toThrow(/gone/);
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('stops and continues: a call waits, and is answered', async () => {
    const child = await sample();
    await child.stop();
    let answered = false;
    const call = child.call('clone', 'late').then((result) => {
      answered = true;
      return result;
    });
    expect(await sample().then(async (other) => other.call('clone', 'other'))).toBe('other');
    expect(answered).toBe(false);
    child.cont();
    expect(await call).toBe('late');
    expect(await child.terminate()).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('shows the output of a child that ends', async () => {
    const child = await sample();
    await expect(child.call('crash')).rejects.toThrow(/crashed on purpose/);
    await expect(fork(new URL('./fixtures/none.child.ts', import.meta.url))).rejects.toThrow(/none\.child\.ts/);
  });

  it('leaves no server and no folder behind when a process is killed', async () => {
    const child = await sample();
    const { pid, dir } = await child.call('startRedis');
    expect(isRunning(pid)).toBe(true);
    await child.kill9();
    await eventually(() => !isRunning(pid) && !existsSync(dir));
  });
});
