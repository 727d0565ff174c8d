import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from './eventually.js';

describe('eventually', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('looks until the condition is neither false nor throwing, and hands its result on', async () => {
    let looks = 0;
    const result = await eventually(() => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return looks < 3 ? false : 'there';
    });
    expect(result).toBe('there');
    expect(looks).toBe(3);
  });

  it('takes undefined, 0 and an empty text as an answer', async () => {
    await expect(eventually(() => undefined)).resolves.toBeUndefined();
    await expect(eventually(async () => 0)).resolves.toBe(0);
  });

  it('fails with the name of what was waited for and the last error as cause', async () => {
    const cause = new Error('still 2');
    const failing = eventually(
      () => {
        throw cause;
      },
      { within: 20, what: 'three replicas' },
    );
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('three replicas did not'), cause });
  });

  it('waits in real time under fake timers', async () => {
    jest.useFakeTimers();
    let looks = 0;
    await eventually(() => (looks += 1) > 2);
    expect(looks).toBe(3);
  });
});
