import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian keeps servers in sbin folders that an ordinary user's PATH leaves out. */
export const SERVER_PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin'].join(delimiter);

/**
 * The servers and tools the suites spawn. A new one is a new row: `apt` and `brew` are the packages that hold it;
 * `file` is looked for in `folders` (`*` stands for any one folder), which are those of PATH when left out.
 */
const SERVERS = [
  { file: 'redis-server', apt: 'redis-server', brew: 'redis' },
  { file: 'redis-cli', apt: 'redis-tools', brew: 'redis' },
  { file: 'openssl', apt: 'openssl', brew: 'openssl' },
  // It reads the compose file, for which it needs no engine.
  { file: 'docker-compose', apt: 'docker-compose', brew: 'docker-compose' },
  {
    file: 'libfaketime.so.1',
    apt: 'libfaketime',
    brew: 'libfaketime',
    folders: ['/usr/lib/*/faketime', '/usr/lib/faketime', '/usr/lib64/faketime', '/usr/local/lib/faketime'],
    setting: 'FAKETIME_LIB',
  },
  {
    file: 'initdb',
    apt: 'postgresql',
    brew: 'postgresql',
    folders: ['/usr/lib/postgresql/*/bin', ...SERVER_PATH.split(delimiter)],
  },
  { file: 'nats-server', apt: 'nats-server', brew: 'nats-server' },
  { file: 'mosquitto', apt: 'mosquitto', brew: 'mosquitto' },
  {
    file: 'rabbitmq-server',
    apt: 'rabbitmq-server',
    brew: 'rabbitmq',
    folders: ['/usr/lib/rabbitmq/bin', ...SERVER_PATH.split(delimiter)],
  },
  { file: 'varnishd', apt: 'varnish', brew: 'varnish' },
  { file: 'libvmod_xkey.so', apt: 'varnish-modules', brew: 'varnish', folders: ['/usr/lib/*/varnish/vmods'] },
  { file: 'nginx', apt: 'nginx-light', brew: 'nginx' },
  { file: 'promtool', apt: 'prometheus', brew: 'prometheus' },
];

/** Where packages ask before they start a service (Debian policy 9.3.3.1). */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Makes every server of the table available, or throws with the one line to run. A missing server is a failure, never
 * a skipped test. With `install: false` it only looks.
 */
export function setUp({ install = true } = {}) {
  const missing = SERVERS.filter((server) => !isThere(server));
  if (missing.length === 0) return;
  const names = missing.map((server) => server.file).join(', ');
  const isRoot = process.getuid?.() === 0;
  if (install && isRoot && isThere({ file: 'apt-get' })) {
    console.log(`set-up: installing ${names}`);
    aptInstall([...new Set(missing.map((server) => server.apt))]);
    if (missing.every((server) => isThere(server))) return;
  }
  throw new Error(`set-up: the tests need ${names}, not found on this machine. Run: ${remedy(missing, isRoot)}`);
}

function isThere({ file, folders = SERVER_PATH.split(delimiter), setting }) {
  if (setting && process.env[setting]) return existsSync(process.env[setting]);
  return folders.flatMap(expand).some((folder) => canRead(join(folder, file)));
}

function expand(folder) {
  const [before, after] = folder.split('*');
  if (after === undefined) return [folder];
  return existsSync(before) ? readdirSync(before).map((name) => join(before, name, after)) : [];
}

function canRead(path) {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function remedy(missing, isRoot) {
  const packages = (system) => [...new Set(missing.map((server) => server[system]))].join(' ');
  if (process.platform === 'darwin') return `brew install ${packages('brew')}`;
  const sudo = isRoot ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y ${packages('apt')}`;
}

function aptInstall(packages) {
  // The suites start private instances; the system's own service must not start beside them on its well-known port.
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

function run(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0)
    throw new Error(`set-up: ${command} ${args.join(' ')} failed: ${error?.message ?? `exit ${status}`}`);
}

if (process.argv[1] === import.meta.filename) {
  try {
    setUp({ install: !process.argv.includes('--check') });
    console.log('set-up: every server is there');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
