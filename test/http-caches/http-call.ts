import { request } from 'node:http';

/** What stands on the wire, header names in lower case and repeated fields joined. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request over a connection of its own: no client library that caches, adds or hides headers stands between. */
export async function call(url: string, { method = 'GET', headers = {}, body }: HttpCall = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false, timeout: 20_000 }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const flat = Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: Object.fromEntries(flat) as Record<string, string>,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${url}: no answer within 20 s`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
