import { describe, expect, it } from '@jest/globals';
import { ACL_COMMANDS, aclLine } from '@strata-cache/redis';
import { LockNames } from '../../libs/redis/src/locks/lock-keys.js';
import { ShardKeys } from '../../libs/redis/src/shard.js';
import { textOf } from './markdown.js';

const text = textOf('docs/redis.md');

describe('docs/redis.md', () => {
  it('shows the rights the code names', () => {
    expect(ACL_COMMANDS.length).toBeGreaterThan(10);
    expect(/^user catalog on .*$/m.exec(text)?.[0]).toBe(aclLine('catalog', 'prod:catalog'));
  });

  it('shows the names the code gives to keys and channels', () => {
    const keys = new ShardKeys('prod:catalog', 0);
    const prefix = 'strata:{prod:catalog.0}';
    const names = [keys.entry('x'), keys.lease('x'), keys.version('x'), keys.holders('x')].map((key) =>
      key.slice(0, -1),
    );
    const locks = new LockNames('prod:catalog', 1);
    const ofLocks = [...locks.of('x').all, locks.channel(0, 'x'), locks.connection(0, 'x')].map((key) =>
      key.slice(0, -1),
    );
    for (const name of [...names, ...ofLocks, keys.state, keys.head, keys.busChannel, keys.wakeChannel]) {
      expect(name.startsWith(prefix)).toBe(true);
      expect(text).toContain(`\`${name.slice(prefix.length)}`);
    }
  });
});
