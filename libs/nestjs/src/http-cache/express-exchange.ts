import { Buffer } from 'node:buffer';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { closeHead, commit, commitAgain, sealedCacheControl, settle } from './commit.js';
import type { Exchange, RequestView } from './exchange.js';
import { combined, type FieldValue } from './field.js';
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

export function viewOfExpress(request: ExpressRequest): RequestView {
  return {
    method: request.method ?? 'GET',
    target: request.originalUrl,
    routed: request.url ?? request.originalUrl,
    fields: request.headers,
    // Not `request.host`: behind `trust proxy` it is X-Forwarded-Host, which any client may send.
    host: (request.headers.host ?? request.headers[':authority']?.toString() ?? '').toLowerCase(),
    protocol: request.protocol,
    native: request,
  };
}

class ExpressHead implements ResponseHead {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
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

/**
 * Hooks into one response: `send`, which has the whole body, and `writeHead`, through which every other way of answering goes. Express'
 * own `send` is not called any more: it would add an entity tag of its own and compare it by rules of its own.
 */
export function hookExpress(response: ExpressResponse, exchange: Exchange): ResponseHead {
  const head = new ExpressHead(response);
  const send = response.send.bind(response);
  response.send = (body?: unknown): ExpressResponse => {
    const chunk = body === null ? '' : body;
    const isFinal = chunk === undefined || typeof chunk === 'string' || ArrayBuffer.isView(chunk);
    if (!isFinal || response.headersSent) return send(body);
    if (exchange.committed) {
      commitAgain(exchange, head);
      return send(body);
    }
    sendFinal(response, exchange, head, chunk);
    return response;
  };
  guardHead(response, exchange, head);
  return head;
}

function sendFinal(
  response: ExpressResponse,
  exchange: Exchange,
  head: ResponseHead,
  chunk: string | ArrayBufferView | undefined,
): void {
  const body = bodyOf(response, chunk);
  const sending = commit(exchange, head, body);
  const sent = sending === 'as-it-is' ? body : sending === 'nothing' ? undefined : sending;
  const { statusCode } = response;
  if (sending === 'nothing' || statusCode === 204 || statusCode === 304) {
    for (const name of ['Content-Type', 'Content-Length', 'Transfer-Encoding']) response.removeHeader(name);
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

type WriteHead = (...args: unknown[]) => ServerResponse;

/**
 * Session middleware sets its cookie from inside `writeHead`, after everybody has decided. Whoever wrapped `writeHead` before us runs inside
 * our call: what it sets is watched, and a cookie closes the response.
 */
function guardHead(response: ExpressResponse, exchange: Exchange, head: ResponseHead): void {
  const isWrapped = Object.hasOwn(response, 'writeHead');
  const inner = response.writeHead.bind(response) as WriteHead;
  const guarded: WriteHead = (...args) => {
    response.writeHead = inner as typeof response.writeHead;
    if (typeof args[0] === 'number') response.statusCode = args[0];
    adoptFields(response, args);
    if (!exchange.committed) {
      // Streams and what is written by hand: the body is not known, so there is no other one to send either.
      exchange.answer = undefined;
      exchange.fallback = undefined;
      commit(exchange, head, undefined);
    }
    if (response.hasHeader('set-cookie')) sealLate(exchange, head);
    const unwatch = isWrapped ? watchCookies(response, () => sealLate(exchange, head)) : undefined;
    const text = typeof args[1] === 'string' ? [args[1]] : [];
    inner(response.statusCode, ...text);
    unwatch?.();
    settle(exchange, response.statusCode, response.hasHeader('set-cookie'));
    return response;
  };
  response.writeHead = guarded as typeof response.writeHead;
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
