import { eventually, type EventuallyOptions } from '../support/eventually.js';

/** `eventually` with the patience that brokers and several applications on busy cores ask for. */
export function soon<Result>(
  condition: () => Result | Promise<Result>,
  options: EventuallyOptions = {},
): Promise<Exclude<Result, false>> {
  return eventually(condition, { within: 20_000, ...options });
}
