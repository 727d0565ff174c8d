import { expect } from '@jest/globals';

/**
 * Awaits a failure: its message contains a text or matches, it is an instance of a class, or it has these properties.
 * Unlike `expect(...).rejects` it may be started before the gate is opened that the failure waits for.
 */
export async function failsWith(
  work: Promise<unknown>,
  expected: string | RegExp | (new (...args: never[]) => Error) | object,
): Promise<void> {
  const [outcome] = await Promise.allSettled([work]);
  expect(outcome.status).toBe('rejected');
  const { reason } = outcome as PromiseRejectedResult;
  if (typeof expected === 'string' || expected instanceof RegExp) {
    expect((reason as Error).message).toMatch(expected);
  } else if (typeof expected === 'function') {
    expect(reason).toBeInstanceOf(expected);
  } else {
    expect(reason).toMatchObject(expected);
  }
}
