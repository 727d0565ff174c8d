import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
  '/usr/local/lib/faketime/libfaketime.so.1',
];

/**
 * The wall clock of one server, stepped through libfaketime's timestamp file while the server runs. Its monotonic clock
 * is left alone, as after a real step of the system clock.
 */
export class FakeClockFile {
  readonly #file: string;
  readonly #library: string;

  /** Throws when libfaketime is not installed (`apt-get install faketime`); `FAKETIME_LIB` may name it elsewhere. */
  constructor(dir: string, offset: string) {
    const candidates = [process.env.FAKETIME_LIB, ...LIBRARIES].filter((path) => path !== undefined);
    const library = candidates.find((path) => existsSync(path));
    if (library === undefined) {
      throw new Error(
        'RedisServer option `faketime` needs libfaketime: `apt-get install faketime`, or set FAKETIME_LIB to libfaketime.so.1.',
      );
    }
    this.#library = library;
    this.#file = join(dir, 'faketime.rc');
    this.set(offset);
  }

  /** Steps the clock: `'-10m'`, `'+15m'`, `'+0'` are offsets from the true time (units s, m, h, d). */
  set(offset: string): void {
    if (!/^[+-]\d+(\.\d+)?[smhdy]?$/.test(offset)) {
      throw new Error(`faketime: expected an offset such as '-10m' or '+0', got '${offset}'.`);
    }
    // The server reads the file at every look at the clock: it must never see it half written.
    writeFileSync(`${this.#file}.new`, `${offset}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** What the server's environment needs. */
  get env(): Record<string, string> {
    return {
      // libc stands behind it so that malloc is glibc's and not jemalloc's, which Debian links Redis with: jemalloc reads
      // the clock while it initialises itself, libfaketime allocates while it does, and the server hangs in between.
      LD_PRELOAD: `${this.#library}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
}
