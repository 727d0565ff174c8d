import { Buffer } from 'node:buffer';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { closeHead, commit, commitAgain, sealedCacheControl, settle } from './commit.js';
import type { Exchange, RequestView } from './exchange.js';
import { combined, type FieldValue, type RequestFields } from './field.js';
import { watchCookies } from './late-cookie.js';
import type { ResponseHead } from './response-head.js';
import type { ResponseFields } from './stored-headers.js';

/** What of Express' request is used here: the library does not know the package. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
  readonly protocol: string;
}

export interface ExpressResponse extends ServerResponse {
  send(body?: unknown): this;
}

/** What of an Express application is used here: the prototype of all its responses. */
export interface ExpressApplication {
  readonly response?: ExpressResponse | undefined;
}

class ExpressView implements RequestView {
  readonly method: string;
  readonly target: string;
  readonly routed: string;
  readonly fields: RequestFields;
  readonly host: string;
  readonly native: ExpressRequest;

  constructor(request: ExpressRequest) {
    const { headers } = request;
    this.method = request.method ?? 'GET';
    this.target = request.originalUrl;
    this.routed = request.url ?? request.originalUrl;
    this.fields = headers;
    // Not `request.host`: behind `trust proxy` it is X-Forwarded-Host, which any client may send.
    this.host = (headers.host ?? headers[':authority']?.toString() ?? '').toLowerCase();
    this.native = request;
  }

  /** Asked for only where something was written: Express walks its settings of proxies for it. */
  get protocol(): string {
    return this.native.protocol;
  }
}

export function viewOfExpress(request: ExpressRequest): RequestView {
  return new ExpressView(request);
}

class ExpressHead implements ResponseHead {
  readonly exchange: Exchange;
  /** The guard has run: it runs once. */
  passed = false;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, exchange: Exchange) {
    this.#response = response;
    this.exchange = exchange;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  set status(status: number) {
    this.#response.statusCode = status;
  }

  get(name: string): FieldValue {
    return this.#response.getHeader(name);
  }

  set(name: string, value: string | string[]): void {
    this.#response.setHeader(name, value);
  }

  remove(name: string): void {
    this.#response.removeHeader(name);
  }

  fields(): ResponseFields {
    return this.#response.getHeaders();
  }
}

/** Where a response carries its head for the hooks of its application. */
const HEAD = Symbol('strata.head');

type Carrier = ExpressResponse & { [HEAD]?: ExpressHead };
type Send = (body?: unknown) => ExpressResponse;
type WriteHead = (...args: unknown[]) => ServerResponse;

/** The two methods, as values. */
interface Methods {
  send: Send;
  writeHead: WriteHead;
}

const installed = new WeakSet<Send | WriteHead>();

/**
 * Hooks into the responses of one application: `send`, which has the whole body, and `writeHead`, through which every other way of
 * answering goes. On what they inherit from, so that nothing is made for each; left alone where somebody else has put his own there.
 */
export function installExpressHook(application: ExpressApplication): void {
  const prototype = application.response as unknown as Methods | undefined;
  if (prototype === undefined || Object.hasOwn(prototype, 'send') || Object.hasOwn(prototype, 'writeHead')) return;
  // Asked at each call, as inheritance does: instrumentation may patch what is below at any time.
  const below = Object.getPrototypeOf(prototype) as Methods;
  prototype.send = function (this: Carrier, body?: unknown): ExpressResponse {
    const head = this[HEAD];
    return head === undefined ? below.send.call(this, body) : sendHooked(this, head, below.send, body);
  };
  prototype.writeHead = function (this: Carrier, ...args: unknown[]): ServerResponse {
    const head = this[HEAD];
    const inner = below.writeHead;
    if (head === undefined || head.passed) return inner.apply(this, args);
    return writeGuarded(this, head, inner, false, args);
  };
  installed.add(prototype.send);
  installed.add(prototype.writeHead);
}

/**
 * Ties an exchange to a response. Where another one has wrapped a method of this very response, as session middleware does, it is hooked
 * around that: whoever wrapped `writeHead` before us runs inside our call.
 */
export function hookExpress(response: ExpressResponse, exchange: Exchange): ResponseHead {
  const head = new ExpressHead(response, exchange);
  const methods = response as unknown as Methods;
  const { send, writeHead } = methods;
  if (installed.has(send) && installed.has(writeHead)) {
    (response as Carrier)[HEAD] = head;
    return head;
  }
  methods.send = (body?: unknown) => sendHooked(response, head, send, body);
  const isWrapped = Object.hasOwn(response, 'writeHead');
  methods.writeHead = (...args) => {
    methods.writeHead = writeHead;
    return writeGuarded(response, head, writeHead, isWrapped, args);
  };
  return head;
}

/** Express' own `send` is not called any more for what is final: it would add an entity tag of its own and compare it by rules of its own. */
function sendHooked(response: ExpressResponse, head: ExpressHead, send: Send, body: unknown): ExpressResponse {
  const chunk = body === null ? '' : body;
  const isFinal = chunk === undefined || typeof chunk === 'string' || ArrayBuffer.isView(chunk);
  if (!isFinal || response.headersSent) return send.call(response, body);
  if (head.exchange.committed) {
    commitAgain(head.exchange, head);
    return send.call(response, body);
  }
  if (head.exchange.plain) {
    commit(head.exchange, head, undefined);
    return send.call(response, body);
  }
  sendFinal(response, head, chunk);
  return response;
}

/** Sends what the exchange of a hooked response holds; the `send` of whoever wrapped it before is left out either way. */
export function sendExpress(response: ExpressResponse, head: ResponseHead): void {
  sendFinal(response, head as ExpressHead, undefined);
}

const OF_A_BODY = ['content-type', 'content-length', 'transfer-encoding'];

function sendFinal(response: ExpressResponse, head: ExpressHead, chunk: string | ArrayBufferView | undefined): void {
  const { exchange } = head;
  const body = bodyOf(response, chunk);
  const sending = commit(exchange, head, body);
  const sent = sending === 'as-it-is' ? body : sending === 'nothing' ? undefined : sending;
  const { statusCode } = response;
  if (sending === 'nothing' || statusCode === 204 || statusCode === 304) {
    for (const name of OF_A_BODY) if (response.hasHeader(name)) response.removeHeader(name);
    response.end();
    return;
  }
  // As in Express' own: a length beside Transfer-Encoding would be malformed, and 205 has no body.
  if (statusCode === 205) response.setHeader('Content-Length', '0');
  else if (chunk !== undefined || Buffer.isBuffer(sending)) {
    if (!response.hasHeader('Transfer-Encoding')) response.setHeader('Content-Length', Buffer.byteLength(sent!));
  }
  const isEmpty = exchange.request.method === 'HEAD' || statusCode === 205 || sent === undefined || sent.length === 0;
  if (isEmpty) response.end();
  else response.end(sent);
}

/** The body as Express would send it, with the content type it would give. */
function bodyOf(response: ExpressResponse, chunk: string | ArrayBufferView | undefined): Buffer | string {
  if (chunk === undefined) return '';
  const type = response.getHeader('Content-Type');
  if (typeof chunk === 'string') {
    if (typeof type !== 'string') response.setHeader('Content-Type', 'text/html; charset=utf-8');
    else if (/;\s*charset=/i.test(type)) {
      response.setHeader('Content-Type', type.replace(/;\s*charset="?[^;"\s]*"?/i, '; charset=utf-8'));
    } else response.setHeader('Content-Type', `${type}; charset=utf-8`);
    return chunk;
  }
  if (type === undefined) response.setHeader('Content-Type', 'application/octet-stream');
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/**
 * Session middleware sets its cookie from inside `writeHead`, after everybody has decided. What runs inside our call is watched, and a
 * cookie closes the response.
 */
function writeGuarded(
  response: ExpressResponse,
  head: ExpressHead,
  inner: WriteHead,
  isWrapped: boolean,
  args: readonly unknown[],
): ServerResponse {
  const { exchange } = head;
  head.passed = true;
  if (typeof args[0] === 'number') response.statusCode = args[0];
  if (args.length > 1) adoptFields(response, args);
  if (!exchange.committed) {
    // Streams and what is written by hand: the body is not known, so there is no other one to send either.
    exchange.answer = undefined;
    exchange.fallback = undefined;
    commit(exchange, head, undefined);
  }
  if (response.hasHeader('set-cookie')) sealLate(exchange, head);
  const unwatch = isWrapped ? watchCookies(response, () => sealLate(exchange, head)) : undefined;
  if (typeof args[1] === 'string') inner.call(response, response.statusCode, args[1]);
  else inner.call(response, response.statusCode);
  unwatch?.();
  settle(exchange, response.statusCode, response.hasHeader('set-cookie'));
  return response;
}

/** Fields given to `writeHead` become fields like all others, so that there is one place to look. */
function adoptFields(response: ServerResponse, args: readonly unknown[]): void {
  const given = args.find((arg) => typeof arg === 'object' && arg !== null);
  if (Array.isArray(given)) {
    const flat = given.flat() as string[];
    for (let index = 0; index + 1 < flat.length; index += 2) response.appendHeader(flat[index], flat[index + 1]);
    return;
  }
  for (const [name, value] of Object.entries((given ?? {}) as OutgoingHttpHeaders)) {
    if (value !== undefined) response.setHeader(name, value);
  }
}

function sealLate({ isReading, route, settings }: Exchange, head: ResponseHead): void {
  const sealed = sealedCacheControl(combined(head.get('cache-control')));
  if (!isReading || route.allowSetCookie || sealed === undefined) return;
  closeHead(head, settings.targeted, settings.tagHeaders);
  head.set('Cache-Control', sealed);
}
