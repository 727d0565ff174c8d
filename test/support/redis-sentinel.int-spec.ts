import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { onStopAll } from './process-keeper.js';
import { RedisSentinel } from './redis-sentinel.js';
import { stopAll } from './redis-server.js';

describe('RedisSentinel', () => {
  afterEach(async () => stopAll());

  it.each([{}, { password: 'secret' }])(
    'promotes the replica when the master is killed (%j)',
    async (options) => {
      const group = await new RedisSentinel(options).start();
      expect(group.sentinels).toHaveLength(3);
      const client = new Redis({ sentinels: group.sentinels, name: group.name, ...options, maxRetriesPerRequest: 1 });
      client.on('error', () => undefined);
      onStopAll(async () => client.disconnect());
      await client.set('k', 'v');
      const old = await group.master();
      await old.cli('WAIT', 1, 5_000);
      const promoted = await group.failover();
      expect(promoted).not.toBe(old);
      expect(old.running).toBe(false);
      await eventually(async () => client.set('after', '1'), { within: 10_000 });
      expect(
        await promoted.cliAll([
          ['GET', 'k'],
          ['GET', 'after'],
        ]),
      ).toEqual(['v', '1']);
    },
    60_000,
  );

  it('follows a planned failover, both nodes staying up', async () => {
    const group = await new RedisSentinel().start();
    const old = await group.master();
    const promoted = await group.switchover();
    expect(promoted).not.toBe(old);
    expect(await promoted.cli('SET', 'k', 'v')).toBe('OK');
    await eventually(async () => (await old.cli('GET', 'k')) === 'v', { within: 20_000 });
    await expect(old.cli('SET', 'k', 'w')).rejects.toThrow(/READONLY/);
  }, 60_000);
});
