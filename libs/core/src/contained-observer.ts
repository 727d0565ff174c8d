import process from 'node:process';
import { inspect } from 'node:util';
import type { Observer, Operation } from './observer.js';

/**
 * An observer whose faults stay its own: what it throws never reaches a caller, and an operation it failed to run is run all the same. Each
 * member's first fault is a warning of the process. Members that are absent stay absent, so they go on costing nothing.
 */
export function contained(observer: Observer): Observer {
  const told = new Set<string>();
  const fault = (member: string, error: unknown): void => {
    if (!told.has(member)) {
      told.add(member);
      process.emitWarning(
        `observer.${member} has thrown, and no member of an observer may: ${inspect(error)}`,
        'StrataWarning',
      );
    }
  };
  const safely =
    <Args extends unknown[]>(member: string, call: (...args: Args) => void) =>
    (...args: Args): void => {
      try {
        call(...args);
      } catch (error) {
        fault(member, error);
      }
    };

  const members: { -readonly [Member in keyof Observer]: Observer[Member] } = {};
  if (observer.started !== undefined) {
    // At bootstrap a fault is one of configuration, and stops it.
    members.started = (engine) => {
      const ended = observer.started!(engine);
      return ended && safely('started', ended);
    };
  }
  if (observer.around !== undefined) {
    members.around = (operation, run) => contain(observer, operation, run, (error) => fault('around', error));
  }
  if (observer.timed !== undefined) members.timed = safely('timed', (...args) => observer.timed!(...args));
  if (observer.lookup !== undefined) members.lookup = safely('lookup', (...args) => observer.lookup!(...args));
  if (observer.invalidated !== undefined) {
    members.invalidated = safely('invalidated', (event) => observer.invalidated!(event));
  }
  if (observer.notice !== undefined) members.notice = safely('notice', (notice) => observer.notice!(notice));
  return members;
}

/** The operation runs once, whatever the observer does before or after it; its own error passes through as it is. */
function contain<T>(
  observer: Observer,
  operation: Operation,
  run: () => Promise<T>,
  fault: (error: unknown) => void,
): Promise<T> {
  let running: Promise<T> | undefined;
  const once = (): Promise<T> => (running ??= run());
  const instead = (error: unknown): Promise<T> =>
    once().then((value) => {
      fault(error);
      return value;
    });
  try {
    return observer.around!(operation, once).catch(instead);
  } catch (error) {
    return instead(error);
  }
}
