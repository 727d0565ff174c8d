/** What a child answers to: by name, one payload in, one result out; both must survive structured cloning. */
export type ChildHandlers = Record<string, (payload: never) => unknown>;

/** What travels over the IPC channel. */
export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly payload: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ChildFailure }
  | { readonly kind: 'event'; readonly name: string; readonly payload: unknown };

/** An error as it crosses the channel. */
export interface ChildFailure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/**
 * Called once by a child module, when it is ready: from now on the parent's `call(name, payload)` runs the handlers.
 * The child ends itself when the parent is gone.
 */
export function serveCalls<Handlers extends ChildHandlers>(handlers: Handlers): Handlers {
  process.on('message', (message: ChildMessage) => {
    if (message.kind === 'call') void answer(handlers, message.id, message.name, message.payload);
  });
  process.on('disconnect', () => process.exit(0));
  send({ kind: 'ready' });
  return handlers;
}

/** Tells the parent that something happened; it sees it through `next(name)`. */
export function tellParent(name: string, payload?: unknown): void {
  send({ kind: 'event', name, payload });
}

async function answer(handlers: ChildHandlers, id: number, name: string, payload: unknown): Promise<void> {
  try {
    if (!Object.hasOwn(handlers, name)) throw new Error(`The child has no handler '${name}'.`);
    send({ kind: 'result', id, result: await handlers[name](payload as never) });
  } catch (error) {
    send({ kind: 'error', id, error: failureOf(error) });
  }
}

function failureOf(error: unknown): ChildFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: undefined, stack: undefined };
  const { code } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    code: code === undefined ? undefined : String(code),
    stack: error.stack,
  };
}

function send(message: ChildMessage): void {
  if (!process.send)
    throw new Error('This module is a child process of a test: start it with fork() of test/support/child.ts.');
  // A parent that is gone is noticed by 'disconnect'; an answer to it is of no use to anybody.
  if (process.connected) process.send(message);
}
