import { describe, expect, it } from '@jest/globals';
import { AnswerMemo } from './answer-memo.js';

describe('AnswerMemo', () => {
  it('readers of the same value share a promise, from the second on', async () => {
    const memo = new AnswerMemo();
    const value = { n: 1 };
    const [first, second, third] = [1, 2, 3].map(() => memo.promiseOf(7, value));
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect(await third).toBe(value);
  });

  it('another value in the slot has a promise of its own, even an equal one', async () => {
    const memo = new AnswerMemo();
    for (let reader = 0; reader < 3; reader++) void memo.promiseOf(7, { n: 1 });
    const value = { n: 1 };
    expect(await memo.promiseOf(7, value)).toBe(value);
    expect(await memo.promiseOf(7, value)).toBe(value);
  });

  it('slots that share a place answer with their own values', async () => {
    const memo = new AnswerMemo();
    for (let round = 0; round < 4; round++) {
      for (const slot of [1, 1 + 512, 1 + 1_024])
        expect(await memo.promiseOf(slot, `value ${slot}`)).toBe(`value ${slot}`);
    }
  });

  it('-0 is not answered with the promise of 0', async () => {
    const memo = new AnswerMemo();
    void memo.promiseOf(1, 0);
    expect(await memo.promiseOf(1, 0)).toBe(0);
    expect(await memo.promiseOf(1 + 512, -0)).toBe(-0);
  });

  it('undefined in a fresh place is a value like others', async () => {
    expect(await new AnswerMemo().promiseOf(3, undefined)).toBeUndefined();
  });

  it.each(['forget', 'clear'] as const)('%s: the next reader starts anew', (way) => {
    const memo = new AnswerMemo();
    const value = {};
    void memo.promiseOf(7, value);
    const shared = memo.promiseOf(7, value);
    memo[way](7);
    expect(memo.promiseOf(7, value)).not.toBe(shared);
  });
});
