import { Agent, request } from 'node:http';
import { connect } from 'node:net';

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

export interface RawResponse {
  readonly status: number;
  /** Lower-case names; several lines joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** As sent, so that duplicates show. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly bytes: Buffer;
}

const agent = new Agent({ keepAlive: true });

/** A client that adds, follows, decodes and caches nothing. */
export function send(port: number, path: string, options: SendOptions = {}): Promise<RawResponse> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: headers as Record<string, string>,
        agent,
        setHost: !('host' in headers),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const fields: Record<string, string> = {};
          for (const [name, value] of Object.entries(response.headersDistinct)) fields[name] = (value ?? []).join(', ');
          resolve({
            status: response.statusCode ?? 0,
            headers: fields,
            rawHeaders: response.rawHeaders,
            body: bytes.toString('utf8'),
            bytes,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends a request; the function that is returned ends its connection. */
export function abandon(port: number, path: string): () => void {
  const sent = request({ host: '127.0.0.1', port, path });
  sent.on('error', () => undefined);
  sent.end();
  return () => void sent.destroy();
}

/** Sends requests one behind the other without waiting, on one connection; resolves with the raw responses together. */
export function pipeline(port: number, requests: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (received += text));
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    const last = requests.length - 1;
    const lines = requests.map((text, index) => `${text}${index === last ? 'Connection: close\r\n' : ''}\r\n`);
    socket.write(lines.join(''));
  });
}
