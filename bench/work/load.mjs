import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/** Requests over keep-alive connections that each wait for their answer; knows just enough HTTP to tell answers apart. */
export async function prepare() {
  return {
    async run({ port, headers, connections, ms }) {
      const until = performance.now() + ms;
      const request = Buffer.from(
        `GET /products HTTP/1.1\r\nHost: 127.0.0.1\r\n${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n`,
      );
      const since = performance.now();
      const clients = await Promise.all(
        Array.from({ length: connections }, () => oneAfterAnother(port, request, until)),
      );
      const statuses = {};
      for (const { counts } of clients) {
        for (const [status, count] of Object.entries(counts)) statuses[status] = (statuses[status] ?? 0) + count;
      }
      const { head, length } = clients[0];
      return { statuses, seconds: (performance.now() - since) / 1_000, head, length };
    },
  };
}

function oneAfterAnother(port, request, until) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const counts = {};
    let pending = Buffer.alloc(0);
    let wanted = -1;
    let head = '';
    let length = 0;
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
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
      if (performance.now() < until) {
        socket.write(request);
      } else {
        socket.destroy();
        resolve({ counts, head, length });
      }
    });
  });
}
