import { once } from 'node:events';
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Requests over keep-alive connections that each wait for their answer; knows just enough HTTP to tell answers apart. The connections to
 * a port stay open from one run to the next: to accept them is not what is measured.
 */
export async function prepare() {
  const pools = new Map();
  return {
    async run({ port, headers, connections, ms }) {
      const request = Buffer.from(
        `GET /products HTTP/1.1\r\nHost: 127.0.0.1\r\n${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n`,
      );
      const pool = pools.get(port) ?? [];
      pools.set(port, pool);
      while (pool.length < connections) pool.push(await connected(port));
      const since = performance.now();
      const until = since + ms;
      const clients = await Promise.all(pool.slice(0, connections).map((client) => client.run(request, until)));
      const statuses = {};
      for (const { counts } of clients) {
        for (const [status, count] of Object.entries(counts)) statuses[status] = (statuses[status] ?? 0) + count;
      }
      const { head, length } = clients[0];
      return { statuses, seconds: (performance.now() - since) / 1_000, head, length };
    },
    close() {
      for (const client of [...pools.values()].flat()) client.close();
    },
  };
}

/** A connection; `run` sends one request after the other until the time is over. */
async function connected(port) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  let onData;
  let onError = () => undefined;
  socket.on('data', (chunk) => onData(chunk));
  socket.on('error', (error) => onError(error));
  socket.on('close', () => onError(new Error('the server closed the connection')));
  const run = (request, until) =>
    new Promise((resolve, reject) => {
      const counts = {};
      let pending = Buffer.alloc(0);
      let wanted = -1;
      let head = '';
      let length = 0;
      onError = reject;
      onData = (chunk) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        if (wanted < 0) {
          const end = pending.indexOf(HEAD_END);
          if (end < 0) return;
          head = pending.toString('latin1', 0, end);
          const status = head.slice(9, 12);
          const declared = /\r\ncontent-length: *(\d+)/i.exec(head);
          if (declared === null && status !== '304' && status !== '204') {
            reject(new Error(`an answer without Content-Length:\n${head}`));
            return;
          }
          length = status === '304' || status === '204' ? 0 : Number(declared[1]);
          wanted = end + 4 + length;
          counts[status] = (counts[status] ?? 0) + 1;
        }
        if (pending.length < wanted) return;
        pending = Buffer.alloc(0);
        wanted = -1;
        if (performance.now() < until) socket.write(request);
        else resolve({ counts, head, length });
      };
      socket.write(request);
    });
  return { run, close: () => socket.destroy() };
}
