import { IncomingMessage, ServerResponse, type IncomingHttpHeaders, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Clock } from '@strata-cache/core';
import { Capture, type CaptureOutcome } from './capture.js';

/** Where a request that nobody sent carries the capture its response goes to. */
const TICKET = Symbol('strata.ticket');

interface Ticket {
  readonly capture: Capture;
  /**
   * What is refreshed. The request may have another key by now, for there is a new version, or its session is another user's: then its
   * response is not the one that is asked for.
   */
  readonly key: string;
}

interface Ticketed {
  [TICKET]?: Ticket;
}

/** Nobody waits for a refresh, and so nobody gives up: a handler that never answers would hold its key for ever. */
const LIMIT = 60_000;

/** The ticket of a request made by {@link reenter}; `raw` is the one of `node:http`. */
export function ticketOf(raw: object): Ticket | undefined {
  return (raw as Ticketed)[TICKET];
}

/** A request as it was when its answer was given, to be made once more. */
export interface RequestSnapshot {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: boolean;
}

/** Not of the refreshing request: conditions would make it a 304, its own Cache-Control would forbid storing, and it has no body. */
const LEFT_OUT = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
  'cache-control',
  'pragma',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'expect',
  'upgrade',
]);

export function snapshotOf(raw: IncomingMessage, target: string): RequestSnapshot {
  const headers = Object.entries(raw.headers).filter(([name]) => !LEFT_OUT.has(name) && !name.startsWith(':'));
  const { remoteAddress, remotePort } = raw.socket;
  const encrypted = (raw.socket as Socket & { encrypted?: boolean }).encrypted === true;
  return { url: target, headers: Object.fromEntries(headers), remoteAddress, remotePort, encrypted };
}

/** A connection to nobody: what is written is gone, what is read never comes. */
class NoSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: boolean;

  constructor({ remoteAddress, remotePort, encrypted }: RequestSnapshot) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.encrypted = encrypted;
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/**
 * Sends a request of nobody's through the whole application (middleware, guards with the original headers, pipes, handler, serializers),
 * the same way on every platform: as the server itself would on a new connection. Its response goes to the store instead of a client.
 */
export async function reenter(
  server: Server,
  snapshot: RequestSnapshot,
  key: string,
  clock: Clock,
): Promise<CaptureOutcome> {
  const capture = new Capture();
  const socket = new NoSocket(snapshot) as unknown as Socket;
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = snapshot.url;
  request.httpVersion = '1.1';
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.headers = { ...snapshot.headers };
  request.rawHeaders = Object.entries(snapshot.headers).flatMap(([name, value]) => [name, String(value)]);
  (request as Ticketed)[TICKET] = { capture, key };
  request.push(null);
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.destroy();
    response.emit('close');
  });
  // A guard may refuse the request before our interceptor sees it.
  response.once('close', () => capture.settle({ refused: 'unreached', failed: response.statusCode >= 500 }));
  if (!server.emit('request', request, response)) capture.settle({ refused: 'no server', failed: true });
  const timer = clock.setTimeout(() => {
    capture.settle({ refused: 'unanswered', failed: true });
    socket.destroy();
  }, LIMIT);
  try {
    return await capture.outcome;
  } finally {
    clock.clearTimeout(timer);
  }
}
