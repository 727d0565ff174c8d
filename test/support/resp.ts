import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A reply as the wire has it (RESP2); bulk strings as UTF-8 text. */
export type RespReply = string | number | null | RespReply[];

/** Where a server listens, and how to be let in. */
export interface RespEndpoint {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

interface Parsed {
  readonly value: RespReply | Error;
  readonly next: number;
}

/**
 * Sends the commands over a connection of its own and resolves with one reply each. A command that Redis refuses
 * rejects the whole call with Redis' own message; so does silence for `within` ms (5000). No client library, because
 * those send HELLO, INFO and CLIENT of their own, which would show in `INFO commandstats`.
 */
export async function respCall(
  endpoint: RespEndpoint,
  commands: readonly (readonly (string | number | Buffer)[])[],
  within = 5_000,
): Promise<RespReply[]> {
  const { password, username } = endpoint;
  const login =
    password === undefined ? [] : [username === undefined ? ['AUTH', password] : ['AUTH', username, password]];
  const all = [...login, ...commands];
  const replies = await exchange(open(endpoint), all.map(encode), within, describe(endpoint));
  const refused = replies.find((reply) => reply instanceof Error);
  if (refused instanceof Error) throw refused;
  return (replies as RespReply[]).slice(login.length);
}

function open({ path, host = '127.0.0.1', port, tls }: RespEndpoint): Socket {
  if (path !== undefined) return connect({ path });
  if (port === undefined) throw new Error('respCall: expected a port or a socket path.');
  return tls ? connectTls({ host, port, ...tls }) : connect({ host, port });
}

function describe({ path, port }: RespEndpoint): string {
  return `redis at ${path ?? `127.0.0.1:${port}`}`;
}

async function exchange(
  socket: Socket,
  requests: readonly Buffer[],
  within: number,
  name: string,
): Promise<(RespReply | Error)[]> {
  let received = Buffer.alloc(0);
  const replies: (RespReply | Error)[] = [];
  try {
    return await new Promise((resolve, reject) => {
      socket.setTimeout(within, () => reject(new Error(`${name} did not answer within ${within} ms.`)));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`${name} closed the connection before answering.`)));
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        try {
          for (let parsed = parse(received, 0); parsed; parsed = parse(received, 0)) {
            replies.push(parsed.value);
            received = received.subarray(parsed.next);
          }
        } catch (error) {
          reject(error as Error);
        }
        if (replies.length >= requests.length) resolve(replies);
      });
      socket.write(Buffer.concat(requests));
    });
  } finally {
    socket.destroy();
  }
}

function encode(command: readonly (string | number | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${command.length}\r\n`)];
  for (const word of command) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** One reply from `at`, or undefined while its end has not arrived. */
function parse(bytes: Buffer, at: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[at])) {
    case '+':
      return { value: line, next };
    case '-':
      return { value: new Error(line), next };
    case ':':
      return { value: Number(line), next };
    case '$':
      return parseBulk(bytes, next, Number(line));
    case '*':
      return parseArray(bytes, next, Number(line));
    default:
      throw new Error(`Not a RESP2 reply: ${JSON.stringify(line)}`);
  }
}

function parseBulk(bytes: Buffer, at: number, length: number): Parsed | undefined {
  if (length < 0) return { value: null, next: at };
  const end = at + length;
  return bytes.length < end + 2 ? undefined : { value: bytes.toString('utf8', at, end), next: end + 2 };
}

function parseArray(bytes: Buffer, at: number, length: number): Parsed | undefined {
  if (length < 0) return { value: null, next: at };
  const items: RespReply[] = [];
  let next = at;
  for (let index = 0; index < length; index += 1) {
    const item = parse(bytes, next);
    if (!item) return undefined;
    items.push(item.value instanceof Error ? item.value.message : item.value);
    next = item.next;
  }
  return { value: items, next };
}
