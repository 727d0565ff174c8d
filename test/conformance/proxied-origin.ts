import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer of the suite's origin, as a handler passes it on. */
export interface OriginAnswer {
  readonly status: number;
  readonly reason: string;
  /** Lines of one name together, in order; without those that belong to the connection. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** What belongs to the connection with the origin (RFC 9110 section 7.6.1), and the length, which the platform sets itself. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);
/** The store needs whole representations: conditions are its business, not the handler's. */
const CONDITIONS = new Set(['if-none-match', 'if-modified-since', 'host', 'connection', 'content-length']);

type Handle = (segments: string[], request: IncomingMessage, response: unknown) => void;

/** Serves the suite's origin on loopback; its own start file binds every interface. Resolves with its URL. */
export async function serveOrigin(suite: URL): Promise<string> {
  const load = async (name: string): Promise<Handle> =>
    ((await import(new URL(`test-engine/server/handle-${name}.mjs`, suite).href)) as { default: Handle }).default;
  const handlers: Record<string, Handle> = {
    config: await load('config'),
    state: await load('state'),
    test: await load('test'),
  };
  const server = createServer((request, response) => {
    const [dispatch, ...segments] = (request.url ?? '').split('?')[0].split('/').slice(1);
    const handle = handlers[dispatch];
    if (handle === undefined) response.writeHead(404).end();
    else handle(segments, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * The suite's origin as a handler sees it that is a proxy itself: it asks with the validator it saw last, and answers a 304 with what it
 * had. A store cannot do that for it, since it knows handlers and no next server; the origin says 304 where the suite expects to be
 * asked like that, and nowhere else.
 */
export class ProxiedOrigin {
  readonly #url: string;
  readonly #last = new Map<string, OriginAnswer>();

  constructor(url: string) {
    this.#url = url;
  }

  /** Asks the origin what was asked of us. Rejects when it closes the connection instead of answering. */
  async ask(incoming: IncomingMessage): Promise<OriginAnswer> {
    const { method, url = '', rawHeaders } = incoming;
    const last = method === 'GET' ? this.#last.get(url) : undefined;
    const headers: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (!CONDITIONS.has(rawHeaders[index].toLowerCase())) headers.push(rawHeaders[index], rawHeaders[index + 1]);
    }
    const body = await textOf(incoming);
    if (body !== '') headers.push('Content-Length', String(Buffer.byteLength(body)));
    if (last !== undefined) headers.push('If-None-Match', String(last.headers.get('etag')));
    headers.push('Host', new URL(this.#url).host);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      // A list and no object: repeated fields stay as they are.
      const outgoing = forward(`${this.#url}${url}`, { method, headers: headers as never });
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      outgoing.end(body);
    });
    const { statusCode: status = 0, statusMessage: reason = '' } = answer;
    const found = { status, reason, headers: headersOf(answer), body: await textOf(answer) };
    if (status === 304 && last !== undefined) return { ...last, headers: new Map([...last.headers, ...found.headers]) };
    if (method === 'GET' && status === 200 && found.headers.has('etag')) this.#last.set(url, found);
    return found;
  }
}

function headersOf({ rawHeaders }: IncomingMessage): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index].toLowerCase();
    if (!OF_THE_CONNECTION.has(name)) headers.set(name, [...(headers.get(name) ?? []), rawHeaders[index + 1]]);
  }
  return headers;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
