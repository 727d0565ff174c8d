import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Broker } from './broker.js';
import { freePort } from './free-port.js';
import { OwnProcess } from './process-keeper.js';

/** A private `nats-server` without JetStream. */
export function natsServer(): Broker {
  return new Broker('nats', (port) => ({
    program: 'nats-server',
    args: ['-a', '127.0.0.1', '-p', String(port)],
    ready: /Server is ready/,
    debian: 'nats-server',
  }));
}

/** A private Mosquitto. It writes sessions to disk when it is stopped, so `stop()` keeps them and `kill9()` does not. */
export function mosquitto(): Broker {
  return new Broker('mosquitto', (port, dir) => {
    const file = join(dir, 'mosquitto.conf');
    const settings = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${dir}/`,
      'max_queued_messages 100000',
      'max_inflight_messages 20',
      'log_dest stderr',
    ];
    // Started as root it would become a user who cannot read our folder.
    writeFileSync(file, `${[...settings, ...(process.getuid?.() === 0 ? ['user root'] : [])].join('\n')}\n`);
    return { program: 'mosquitto', args: ['-c', file], ready: /mosquitto version .* running/, debian: 'mosquitto' };
  });
}

/**
 * A private RabbitMQ with an epmd of its own: the one it would start by itself outlives it. `NOTIFY_SOCKET` makes the start script
 * become the server instead of its parent, so that the pid we have is the one to kill.
 */
export function rabbitMq(): Broker {
  let epmd: Promise<number> | undefined;
  return new Broker('rabbitmq', async (port, dir) => {
    epmd ??= startEpmd();
    for (const folder of ['mnesia', 'home', 'log']) mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, 'enabled_plugins'), '[].\n');
    writeFileSync(join(dir, 'env.conf'), '');
    writeFileSync(join(dir, 'rabbitmq.conf'), 'loopback_users = none\nlog.console = true\nlog.file = false\n');
    return {
      program: '/usr/lib/rabbitmq/bin/rabbitmq-server',
      args: [],
      ready: /Server startup complete/,
      debian: 'rabbitmq-server',
      env: {
        NOTIFY_SOCKET: join(dir, 'nobody-listens'),
        HOME: join(dir, 'home'),
        RABBITMQ_NODENAME: `strata-${port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(await freePort()),
        RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
        RABBITMQ_LOG_BASE: join(dir, 'log'),
        RABBITMQ_LOGS: '-',
        RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
        RABBITMQ_CONF_ENV_FILE: join(dir, 'env.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
        ERL_EPMD_PORT: String(await epmd),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2',
      },
    };
  });
}

async function startEpmd(): Promise<number> {
  const port = await freePort();
  const child = spawn('epmd', ['-port', String(port), '-address', '127.0.0.1'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { running } = new OwnProcess(child);
  if (!running) throw new Error(`epmd ended at once on port ${port}.`);
  return port;
}
