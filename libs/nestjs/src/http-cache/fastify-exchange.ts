import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { closeHead, commit, commitAgain, sealedCacheControl, settle } from './commit.js';
import type { Exchange, RequestView } from './exchange.js';
import { combined, type FieldValue, type RequestFields } from './field.js';
import { watchCookies } from './late-cookie.js';
import type { ResponseHead } from './response-head.js';
import { NOT_ON_304, type ResponseFields } from './stored-headers.js';

/** What of Fastify is used here: the library does not know the package. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly method: string;
  readonly originalUrl: string;
  readonly url: string;
  readonly protocol: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FastifyReply {
  readonly raw: ServerResponse;
  readonly request: FastifyRequest;
  statusCode: number;
  code(status: number): this;
  getHeader(name: string): FieldValue;
  getHeaders(): ResponseFields;
  header(name: string, value: unknown): this;
  removeHeader(name: string): this;
  send(payload?: unknown): this;
}

type OnSend = (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
) => void;

export interface FastifyInstance {
  addHook(name: 'onSend', hook: OnSend): unknown;
}

/** Where a reply and its response carry what is known of them. */
const HEAD = Symbol('strata.head');

interface Carrier {
  [HEAD]?: FastifyHead;
}

class FastifyView implements RequestView {
  readonly method: string;
  readonly target: string;
  readonly routed: string;
  readonly fields: RequestFields;
  readonly host: string;
  readonly native: FastifyRequest;

  constructor(request: FastifyRequest) {
    const { headers } = request;
    this.method = request.method;
    this.target = request.originalUrl;
    this.routed = request.url;
    this.fields = headers;
    // Not `request.host`: with `trustProxy` it is X-Forwarded-Host, which any client may send.
    this.host = (headers.host ?? headers[':authority']?.toString() ?? '').toLowerCase();
    this.native = request;
  }

  /** Asked for only where something was written. */
  get protocol(): string {
    return this.native.protocol;
  }
}

export function viewOfFastify(request: FastifyRequest): RequestView {
  return new FastifyView(request);
}

/** Fastify writes names in lower case: texts made anew for each response would be looked up by their characters. */
const FIELDS = new Map(['Cache-Control', 'Cache-Status', 'ETag', 'Vary'].map((name) => [name, name.toLowerCase()]));

class FastifyHead implements ResponseHead {
  readonly exchange: Exchange;
  /** A head was to go out and did not: Node has refused one of its fields. */
  failed = false;
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply, exchange: Exchange) {
    this.#reply = reply;
    this.exchange = exchange;
  }

  get status(): number {
    return this.#reply.statusCode;
  }

  set status(status: number) {
    this.#reply.code(status);
  }

  get(name: string): FieldValue {
    return this.#reply.getHeader(name);
  }

  set(name: string, value: string | string[]): void {
    this.#reply.header(FIELDS.get(name) ?? name, value);
  }

  remove(name: string): void {
    this.#reply.removeHeader(name);
  }

  fields(): ResponseFields {
    return this.#reply.getHeaders();
  }
}

/** The one hook of an application: it sees final status, fields and bytes, before the hooks of routes, such as compression, change them. */
export function installFastifyHook(instance: FastifyInstance): void {
  instance.addHook('onSend', (_request, reply, payload, done) => {
    const head = (reply as Carrier)[HEAD];
    if (head === undefined) {
      done(null, payload);
      return;
    }
    if (head.exchange.committed) {
      commitAgain(head.exchange, head);
      done(null, payload);
      return;
    }
    try {
      done(null, sendingOf(head.exchange, head, payload));
    } catch (error) {
      done(error as Error);
    }
  });
}

export function hookFastify(reply: FastifyReply, exchange: Exchange): ResponseHead {
  const head = new FastifyHead(reply, exchange);
  (reply as Carrier)[HEAD] = head;
  guardHead(reply.raw, head);
  return head;
}

function sendingOf(exchange: Exchange, head: ResponseHead, payload: unknown): unknown {
  const isEmpty = payload === undefined || payload === null;
  const isKnown = isEmpty || typeof payload === 'string' || Buffer.isBuffer(payload);
  const sending = commit(exchange, head, isKnown ? ((payload ?? '') as string | Buffer) : undefined);
  if (sending === 'as-it-is') return payload;
  discard(payload);
  if (sending !== 'nothing') return sending;
  // The hook of automatic HEAD routes fails on null (fastify #6978), and '' would be sent as content-length: 0.
  return exchange.request.method === 'HEAD' ? Readable.from([]) : null;
}

/** A stream nobody will read must not keep its source open. */
function discard(payload: unknown): void {
  if (payload instanceof Readable) payload.destroy();
}

type WriteHead = (...args: any[]) => ServerResponse;

/** Cookies that come after the hook: from later hooks as an argument, from wrapped Express middleware through `setHeader`. */
function guardHead(raw: ServerResponse & Carrier, head: FastifyHead): void {
  if (!Object.hasOwn(raw, 'writeHead')) {
    // One function for all responses: Fastify has no prototype of its own for them, and that of Node is everybody's.
    raw[HEAD] = head;
    raw.writeHead = guardedWriteHead as typeof raw.writeHead;
    return;
  }
  const methods = raw as unknown as { writeHead: WriteHead };
  const inner = methods.writeHead;
  methods.writeHead = (...args: any[]) => writeGuarded(raw, head, inner, true, args);
}

function guardedWriteHead(this: ServerResponse & Carrier, ...args: any[]): ServerResponse {
  const { writeHead } = Object.getPrototypeOf(this) as { writeHead: WriteHead };
  return writeGuarded(this, this[HEAD]!, writeHead, false, args);
}

function writeGuarded(
  raw: ServerResponse,
  head: FastifyHead,
  inner: WriteHead,
  isWrapped: boolean,
  args: readonly any[],
): ServerResponse {
  const { exchange } = head;
  // What bypassed the hook (`reply.hijack()`, an upgrade) was not ours to decide.
  if (!exchange.committed) return inner.apply(raw, args as any[]);
  const status = args[0] as number;
  const given = args.find((arg) => typeof arg === 'object' && arg !== null) as Record<string, unknown> | undefined;
  const fields = given ?? {};
  if (status === 304) {
    for (const name of NOT_ON_304) if (fields[name] !== undefined) delete fields[name];
  }
  if (fields['set-cookie'] !== undefined || raw.hasHeader('set-cookie')) seal(raw, fields, exchange);
  // Fastify answers a field that Node refuses with an error of its own, past every hook.
  if (head.failed && exchange.isReading) raw.setHeader('cache-control', 'no-store');
  const unwatch = isWrapped ? watchCookies(raw, () => seal(raw, fields, exchange)) : undefined;
  head.failed = true;
  inner.apply(raw, args as any[]);
  head.failed = false;
  unwatch?.();
  settle(exchange, status, fields['set-cookie'] !== undefined || raw.hasHeader('set-cookie'));
  return raw;
}

/** Fields stand in the argument, and once wrapped middleware has copied them, on the response: closed in both. */
function seal(raw: ServerResponse, fields: Record<string, unknown>, { isReading, route, settings }: Exchange): void {
  if (!isReading || route.allowSetCookie) return;
  const current = (fields['cache-control'] ?? raw.getHeader('cache-control')) as FieldValue;
  const sealed = sealedCacheControl(combined(current));
  if (sealed === undefined) return;
  const head: ResponseHead = {
    status: 0,
    get: (name) => (fields[name.toLowerCase()] ?? raw.getHeader(name)) as FieldValue,
    set: (name, value) => raw.setHeader(name, value),
    remove: (name) => {
      delete fields[name.toLowerCase()];
      raw.removeHeader(name);
    },
    fields: () => ({}),
  };
  closeHead(head, settings.targeted, settings.tagHeaders);
  if (fields['cache-control'] !== undefined) fields['cache-control'] = sealed;
  else raw.setHeader('cache-control', sealed);
  if (raw.hasHeader('cache-control')) raw.setHeader('cache-control', sealed);
}
