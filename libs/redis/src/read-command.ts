import { performance } from 'node:perf_hooks';
import { Command } from 'ioredis';

type Reply = (Buffer | null)[];

/**
 * An MGET that is answered where its reply is decoded: no promise in between, and none of the timer that ioredis would arm and clear for
 * it. Its promise is settled behind it, for whoever traces commands.
 */
export class ReadCommand extends Command {
  readonly sentAt = performance.now();
  next: ReadCommand | undefined;
  #onReply: ((values: Reply) => void) | undefined;
  #onError: ((error: unknown) => void) | undefined;

  /** `onReply` is called by the decoder itself, `onError` never on the stack of whoever sends. One of them, once. */
  constructor(keys: string[], onReply: (values: Reply) => void, onError: (error: unknown) => void) {
    // The keys are strings already: looking at each of them is spared.
    super('mget', [], { replyEncoding: null });
    this.args = keys;
    this.#onReply = onReply;
    this.#onError = onError;
    const { resolve, reject } = this;
    this.resolve = (values: Reply) => {
      const told = this.#onReply;
      this.#forget();
      told?.(values);
      resolve(null);
    };
    this.reject = (error) => {
      const told = this.#onError;
      this.#forget();
      this.promise.then(
        () => undefined,
        (reason: unknown) => told?.(reason),
      );
      reject(error);
    };
  }

  get answered(): boolean {
    return this.#onReply === undefined;
  }

  /** An answered command that is old to the garbage collector would keep a whole batch alive, with all it refers to. */
  #forget(): void {
    this.#onReply = undefined;
    this.#onError = undefined;
  }

  /** {@link ReplyDeadlines} watches it. */
  override setTimeout(): void {
    // Nothing to arm.
  }

  /** Written as if all keys were ASCII, where a character is a byte: asking for the bytes of each takes longer than all the rest. */
  override toWritable(socket: object): string | Buffer {
    let text = `*${this.args.length + 1}\r\n$4\r\nmget\r\n`;
    for (const key of this.args as string[]) {
      text += `$${key.length}\r\n${key}\r\n`;
    }
    return Buffer.byteLength(text) === text.length ? text : super.toWritable(socket);
  }
}

/**
 * How long the reads of one connection may take, kept by one timer: they are answered in the order they were sent, so the first is the
 * oldest.
 */
export class ReplyDeadlines {
  readonly #ms: number;
  #oldest: ReadCommand | undefined;
  #newest: ReadCommand | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  watch(command: ReadCommand): void {
    this.#forgetAnswered();
    if (this.#oldest === undefined) {
      this.#oldest = command;
    } else {
      this.#newest!.next = command;
    }
    this.#newest = command;
    this.#timer ??= setTimeout(this.#due, this.#ms).unref();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #forgetAnswered(): void {
    while (this.#oldest?.answered === true) {
      const { next } = this.#oldest;
      this.#oldest.next = undefined;
      this.#oldest = next;
    }
  }

  /** Timers run before sockets are read: what arrived while the process was held up is heard first. */
  readonly #due = (): void => void setImmediate(this.#sweep);

  readonly #sweep = (): void => {
    const now = performance.now();
    this.#forgetAnswered();
    while (this.#oldest !== undefined && now - this.#oldest.sentAt >= this.#ms) {
      this.#oldest.reject(new Error('Command timed out'));
      this.#forgetAnswered();
    }
    this.#timer = this.#oldest && setTimeout(this.#due, this.#ms - (now - this.#oldest.sentAt)).unref();
  };
}
