import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program to its end and returns its stdout; on failure the error holds everything it printed. */
export async function execute(command: string, args: readonly string[], cwd: string): Promise<string> {
  // Jest's own switches would reach the child: it must run as a user's process does.
  const { NODE_OPTIONS: _options, NODE_ENV: _environment, ...env } = process.env;
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
