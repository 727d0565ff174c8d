import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GhostHistory } from './ghost-history.js';

describe('GhostHistory', () => {
  it('remembers the last keys pushed, in order of leaving, and forgets what was taken', () => {
    const ghosts = new GhostHistory(3);
    for (const key of ['a', 'b', 'c', 'd']) ghosts.push(key);
    expect([ghosts.take('a'), ghosts.take('b'), ghosts.take('b'), ghosts.take('d')]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('decides as a list of the last keys does, growing included', () => {
    const key = fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`);
    const operation = fc.tuple(fc.constantFrom('push', 'push', 'take', 'grow'), key);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(operation, { maxLength: 200 }), (first, operations) => {
        let ghosts = new GhostHistory(first);
        let list: (string | undefined)[] = [];
        for (const [kind, name] of operations) {
          if (kind === 'grow' && ghosts.capacity < 100) {
            ghosts = new GhostHistory(ghosts.capacity + 3, ghosts);
            list = list.filter((known) => known !== undefined);
          } else if (kind === 'take') {
            const at = list.indexOf(name);
            if (at !== -1) list[at] = undefined;
            expect(ghosts.take(name)).toBe(at !== -1);
          } else if (!list.includes(name)) {
            list.push(name);
            ghosts.push(name);
            if (list.length > ghosts.capacity) list.shift();
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
