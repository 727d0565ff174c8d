import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { PurgeAnswer } from './purger.js';
import { retryAfter } from './retry-after.js';

/** How much of an answer is read; CDNs answer with a line or two. */
const MAX_ANSWER = 65_536;

/** One request to a CDN. Header names go out as they are written. */
export interface PurgeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** ms until it counts as failed. */
  readonly timeout: number;
}

export interface PurgeResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/**
 * Sends a request and reads its answer. Redirects are not followed: they would take the credentials to another host.
 * @throws the network's error, or an AbortError
 */
export async function sendPurge(request: PurgeRequest, signal: AbortSignal): Promise<PurgeResponse> {
  const { method, url, headers, body, timeout } = request;
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const outgoing = send(url, { method, headers: { ...headers, ...length }, signal: limited }, (incoming) => {
      readAnswer(incoming).then(resolve, reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

async function readAnswer(incoming: IncomingMessage): Promise<PurgeResponse> {
  let body = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming as AsyncIterable<string>) {
    if (body.length < MAX_ANSWER) body += chunk;
  }
  return { status: incoming.statusCode ?? 0, retryAfter: incoming.headers['retry-after'], body };
}

/** What a status means for a purge: 408, 425, 429 and 5xx may pass, other failures will not. */
export function answerOf({ status, retryAfter: field, body }: PurgeResponse, now: number): PurgeAnswer {
  if (status >= 200 && status < 300) return { outcome: 'done' };
  const reason = `${status} ${body.replace(/\s+/g, ' ').trim().slice(0, 200)}`.trim();
  return [408, 425, 429].includes(status) || status >= 500
    ? { outcome: 'retry', reason, after: retryAfter(field, now) }
    : { outcome: 'refused', reason };
}
