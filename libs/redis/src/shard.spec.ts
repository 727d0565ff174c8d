import { describe, expect, it } from '@jest/globals';
import { aclLine } from './acl.js';
import { parseAddress } from './cluster-nodes.js';
import { ShardKeys, shardOfKey } from './shard.js';
import { slotOfTag } from './slot.js';

describe('shards', () => {
  it('are chosen by a hash that never changes', () => {
    expect(['', 'a', 'product:v1:42', 'ü🙂'].map((key) => shardOfKey(key, 16))).toEqual([5, 12, 1, 0]);
    expect(shardOfKey('a', 2 ** 30)).toBe(0xe40c292c % 2 ** 30);
    expect(shardOfKey('anything', 1)).toBe(0);
  });

  it('get a fair share each', () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 16_000; index += 1) counts[shardOfKey(`product:v1:#${index}`, 16)] += 1;
    expect(Math.min(...counts)).toBeGreaterThan(700);
    expect(Math.max(...counts)).toBeLessThan(1_300);
  });

  it('name their keys within one hash tag, whatever namespace and key hold', () => {
    const keys = new ShardKeys('prod:cata{log}*\n', 3);
    const names = [keys.state, keys.head, keys.busChannel, keys.entry('}{'), keys.lease('x{y}')];
    for (const name of names) {
      expect(name.startsWith('strata:{prod:cata%7blog%7d%2a%0a.3}:')).toBe(true);
    }
    expect(new ShardKeys('prod:catalog', 0).entry('product:v1:42')).toBe('strata:{prod:catalog.0}:e:product:v1:42');
  });

  it('of different namespaces never meet', () => {
    const tags = ['a.1', 'a', 'a%2e', 'a b', 'a%20b', 'ü', '\ud800'].map(
      (namespace) => new ShardKeys(namespace, 1).tag,
    );
    expect(new Set(tags).size).toBe(tags.length);
  });

  it('lie in the slots Redis computes', () => {
    expect(slotOfTag('123456789')).toBe(0x31c3);
    expect(slotOfTag('foo')).toBe(12_182);
    expect(slotOfTag('')).toBe(0);
  });
});

describe('addresses', () => {
  it('are read in their usual forms', () => {
    expect(['h:1', 'h', 'redis://h:7', '[::1]:9'].map(parseAddress)).toEqual([
      { host: 'h', port: 1 },
      { host: 'h', port: 6379 },
      { host: 'h', port: 7 },
      { host: '::1', port: 9 },
    ]);
  });
});

describe('the ACL line', () => {
  it('limits keys and channels to the namespace, and knows the cluster commands', () => {
    expect(aclLine('app', 'prod:catalog')).toMatch(
      /^user app on ~strata:{prod:catalog\.\* &strata:{prod:catalog\.\* -@all \+hello /,
    );
    expect(aclLine('app', 'x', { cluster: true })).toMatch(/\+spublish \+ssubscribe \+cluster\|slots$/);
    expect(aclLine('app', 'x')).not.toMatch(/@write|\+keys|flush|config|scan/);
  });
});
