import { describe, expect, it } from '@jest/globals';
import { TagLists } from './tag-lists.js';

describe('TagLists', () => {
  it('gives equal lists one array, and different ones their own', () => {
    const lists = new TagLists();
    const first = ['a', 'b'];
    expect(lists.shared(first)).toBe(first);
    expect(lists.shared(['a', 'b'])).toBe(first);
    expect(lists.shared(['b', 'a'])).toEqual(['b', 'a']);
    expect(lists.shared(['ab'])).toEqual(['ab']);
    expect(lists.shared([])).toEqual([]);
  });

  it('remembers a bounded number, and no long ones', () => {
    const lists = new TagLists();
    const first = lists.shared(['tag 0']);
    for (let n = 1; n <= 5_000; n++) lists.shared([`tag ${n}`]);
    expect(lists.shared(['tag 0'])).not.toBe(first);
    const long = ['x'.repeat(2_000)];
    lists.shared(long);
    expect(lists.shared([...long])).not.toBe(long);
  });
});
