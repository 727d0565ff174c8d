import { describe, expect, it } from '@jest/globals';
import { Fence, Fences } from './fence.js';

function armed(fences: Fences, key: string, shard = 0): Fence {
  const fence = new Fence(key, shard);
  fence.arm(0, 0);
  fences.open(fence);
  return fence;
}

describe('Fences', () => {
  // In every order: what leaves may be the newest, the oldest or one between.
  it.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('breaks all that are open of a key, and none that is closed (closed in the order %i, %i, %i)', (...order) => {
    const fences = new Fences();
    const three = [armed(fences, 'k'), armed(fences, 'k'), armed(fences, 'k')];
    const other = armed(fences, 'other');
    const open = new Set(three);
    for (const index of order) {
      fences.close(three[index]);
      open.delete(three[index]);
      for (const fence of three) {
        fence.arm(0, 0);
      }
      fences.breakKey('k', 'delete');
      expect(three.map(({ broken }) => broken)).toEqual(three.map((one) => (open.has(one) ? 'delete' : undefined)));
    }
    expect(other.broken).toBeUndefined();
    expect(fences.size).toBe(1);
  });

  it('spares the fence of the writer itself', () => {
    const fences = new Fences();
    const [older, writer, newer] = [armed(fences, 'k'), armed(fences, 'k'), armed(fences, 'k')];
    fences.breakKey('k', 'delete', writer);
    expect([older, writer, newer].map(({ broken }) => broken)).toEqual(['delete', undefined, 'delete']);
  });

  it('breaks what began before a load that has stored, by the order of arming', () => {
    const fences = new Fences();
    const [first, second, third] = [armed(fences, 'k'), armed(fences, 'k'), armed(fences, 'k')];
    first.arm(0, 0);
    fences.supersede(third);
    expect([first.broken, second.broken, third.broken]).toEqual([undefined, 'expire', undefined]);
  });

  it('breaks a shard, or everything', () => {
    const fences = new Fences();
    const all = [armed(fences, 'a', 0), armed(fences, 'b', 1), armed(fences, 'b', 1)];
    fences.breakShard(1);
    expect(all.map(({ broken }) => broken)).toEqual([undefined, 'delete', 'delete']);
    fences.breakAll('expire');
    expect(all.map(({ broken }) => broken)).toEqual(['expire', 'delete', 'delete']);
  });

  it('remembers that it was overtaken, and that the key was deleted, beyond arming anew', () => {
    const fences = new Fences();
    const fence = armed(fences, 'k');
    fence.disarm();
    fences.breakKey('k', 'expire');
    expect([fence.overtaken, fence.deleted]).toEqual([false, false]);
    fences.breakKey('k', 'delete');
    expect([fence.overtaken, fence.deleted]).toEqual([false, true]);
    fence.arm(0, 0);
    fences.breakKey('k', 'expire');
    fence.arm(0, 0);
    expect([fence.broken, fence.overtaken, fence.deleted]).toEqual([undefined, true, true]);
  });
});
