import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onStopAll } from '../support/process-keeper.js';

/** A request exactly as it came: header names as written, in their order. */
export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export type Reply = (response: ServerResponse, request: RecordedRequest) => void;

/** A local server that stands for a CDN's API: it records requests and answers from a list, then `fallback`. */
export class RecordedApi {
  readonly requests: RecordedRequest[] = [];
  readonly replies: Reply[] = [];
  readonly #server: Server;

  private constructor(fallback: Reply) {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const request = recorded(incoming, Buffer.concat(chunks).toString());
        this.requests.push(request);
        (this.replies.shift() ?? fallback)(response, request);
      });
    });
  }

  static async start(fallback: Reply): Promise<RecordedApi> {
    const api = new RecordedApi(fallback);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    onStopAll(async () => api.stop());
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

function recorded(incoming: IncomingMessage, body: string): RecordedRequest {
  const { method = '', url = '', rawHeaders } = incoming;
  const headers = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1]] as const] : [],
  );
  return { method, url, headers, body };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}
