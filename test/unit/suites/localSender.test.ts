import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../../src/core/base/errors.ts';
import { JsonSender, type HttpAnswered } from '../../../src/adapters/predictors/httpRequest.ts';
import { isLocal, LocalSender } from '../../../src/adapters/predictors/localSender.ts';
import type { Failure } from '../../../src/core/suites/subject.ts';
import { eventually } from '../../support/eventually.ts';

const never = new AbortController().signal;
/** Longer than any answer of this process takes, also on a machine that is busy. */
const PATIENT_MS = 20_000;

/** What a raw server says to one request after another; each piece is written by itself. A text `close` ends the connection. */
async function serverOf(answer: (request: string, number: number) => readonly string[] | Promise<readonly string[]>): Promise<{ readonly url: string; readonly requests: string[]; readonly sockets: Set<Socket>; stop(): Promise<void> }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => void (async () => {
      requests.push(chunk.toString());
      for (const piece of await answer(chunk.toString(), requests.length)) {
        if (piece === 'close') socket.end();
        else socket.write(Buffer.from(piece, 'latin1'));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, sockets, stop: async () => { for (const socket of sockets) socket.destroy(); await new Promise((resolve) => server.close(resolve)); } };
}

const brief = (answer: HttpAnswered | Failure): unknown => ('failed' in answer ? `${answer.failed}: ${answer.message}` : [answer.status, answer.text]);

describe('asking a server of this machine', () => {
  it('is for plain loopback addresses only', () => {
    assert.deepEqual(['http://127.0.0.1:5', 'http://localhost', 'http://[::1]:5/a', 'https://127.0.0.1', 'http://example.com', 'http://127.0.0.1.example.com', 'http://localhost.example.com'].map(isLocal), [true, true, true, false, false, false, false]);
  });

  const answers: Readonly<Record<string, { readonly pieces: readonly string[]; readonly told: unknown }>> = {
    'a length': { pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'], told: [200, '{}'] },
    'a length, byte by byte': { pieces: ['HTTP/1.1 200 OK\r\n', 'content-length:4\r\n\r', '\n{"', 'a', '"'], told: [200, '{"a"'] },
    'umlauts over pieces': { pieces: ['HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"\xc3', '\xbc"'], told: [200, '"ü"'] },
    chunks: { pieces: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n', '4;x=1\r\n": 1\r\n1\r\n}\r\n0\r\n\r\n'], told: [200, '{"a": 1}'] },
    'chunks with trailers, a length beside them': { pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 999\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n', 'x-t: 1\r\n\r\n'], told: [200, '{}'] },
    'the end of the connection': { pieces: ['HTTP/1.0 200 OK\r\n\r\n{"a"', ': 1}', 'close'], told: [200, '{"a": 1}'] },
    'a word before': { pieces: ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 400 Bad\r\ncontent-length: 1\r\n\r\nx'], told: [400, 'x'] },
    'nothing in it': { pieces: ['HTTP/1.1 204 No Content\r\n\r\n'], told: [204, ''] },
    'a redirect, which is not followed': { pieces: ['HTTP/1.1 302 Found\r\nlocation: http://example.com\r\ncontent-length: 0\r\n\r\n'], told: [302, ''] },
    'no HTTP': { pieces: ['SSH-2.0-OpenSSH\r\n\r\n'], told: 'garbage: What the server sent is no HTTP.' },
    'a length that is none': { pieces: ['HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'], told: 'garbage: What the server sent is no HTTP.' },
    'chunks that are none': { pieces: ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'], told: 'garbage: What the server sent is no HTTP.' },
    'a chunk longer than it says': { pieces: ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n'], told: 'garbage: What the server sent is no HTTP.' },
    'less than it promised': { pieces: ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}', 'close'], told: 'unreachable: The connection broke in the middle of the answer.' },
    'half a head': { pieces: ['HTTP/1.1 200', 'close'], told: 'garbage: What the server sent is no HTTP.' },
    'the end at once': { pieces: ['close'], told: 'unreachable: The connection broke in the middle of the answer.' },
  };
  for (const [name, { pieces, told }] of Object.entries(answers)) {
    it(`reads ${name}`, async () => {
      const server = await serverOf(() => pieces);
      const sender = new LocalSender(server.url, PATIENT_MS);
      try {
        assert.deepEqual(brief(await sender.send('POST', `${server.url}/invocations?a=1`, '{"ü": 1}', never)), told);
        assert.match(server.requests[0] ?? '', /^POST \/invocations\?a=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\naccept: application\/json\r\nconnection: keep-alive\r\ncontent-type: application\/json\r\ncontent-length: 9\r\n\r\n\{"ü": 1\}$/);
      } finally {
        sender.close();
        await server.stop();
      }
    });
  }

  it('says what node:http says, over one connection, whatever the path', async () => {
    let connections = 0;
    const server = createHttpServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (chunk: Buffer) => parts.push(chunk));
      request.on('end', () => response.writeHead(request.method === 'GET' ? 404 : 200, { 'x-model-version': ' 14 ' }).end(`${request.method ?? ''} ${request.url ?? ''} ${Buffer.concat(parts).toString()} ${request.headers['content-length'] ?? ''}`));
    }).on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const senders = [new LocalSender(url, PATIENT_MS), new JsonSender(url, 1, PATIENT_MS)];
    for (const path of ['', '/', '/a/b', '/a?b=c']) {
      for (const [method, body] of [['GET', undefined], ['POST', '{"a":"ü"}']] as const) {
        const [ours, theirs] = await Promise.all(senders.map(async (sender) => {
          const answer = await sender.send(method, `${url}${path}`, body, never);
          return 'failed' in answer ? answer : [answer.status, answer.text, answer.header('X-Model-Version'), answer.header('x-none')];
        }));
        assert.deepEqual(ours, theirs, `${method} ${path}`);
      }
    }
    assert.equal(connections, 2);
    for (const sender of senders) sender.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('asks again where a kept connection was closed meanwhile, and only then', async () => {
    const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';
    const server = await serverOf((_, number) => (number === 2 ? ['close'] : [ok]));
    const sender = new LocalSender(server.url, PATIENT_MS);
    assert.deepEqual(brief(await sender.send('POST', server.url, '1', never)), [200, '{}']);
    assert.deepEqual(brief(await sender.send('POST', server.url, '2', never)), [200, '{}']);
    assert.deepEqual(server.requests.map((request) => request.at(-1)), ['1', '2', '2']);
    sender.close();
    await server.stop();
    assert.match(String(brief(await new LocalSender(server.url, PATIENT_MS).send('GET', server.url, undefined, never))), /^unreachable: http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\.$/);
  });

  it('takes large answers in many pieces as they come, and drops what is too large', async () => {
    const piece = 'x'.repeat(64 * 1024);
    const server = createHttpServer((request, response) => {
      response.setMaxListeners(0);
      const count = request.url === '/most' ? 1100 : 300;
      if (request.url === '/length') response.setHeader('content-length', String(count * piece.length));
      void (async () => {
        for (let sent = 0; sent < count && !response.destroyed; sent += 1) if (!response.write(piece)) await new Promise((resolve) => { response.once('drain', resolve); response.once('close', resolve); });
        response.end();
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const sender = new LocalSender(url, PATIENT_MS);
    for (const path of ['/length', '/chunks']) {
      const answer = await sender.send('GET', `${url}${path}`, undefined, never);
      assert.ok(!('failed' in answer) && answer.text.length === 300 * piece.length, path);
    }
    assert.equal(brief(await sender.send('GET', `${url}/most`, undefined, never)), 'garbage: The answer has more than 64 MB: it was dropped.');
    sender.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('gives up in time, is cancelled at once, and leaves no connection', async () => {
    const server = await serverOf(() => []);
    const sender = new LocalSender(server.url, 50);
    assert.equal(brief(await sender.send('POST', server.url, '1', never)), 'timeout: There was no answer within 50 ms.');
    const abort = new AbortController();
    const asked = new LocalSender(server.url, 60_000).send('POST', server.url, '2', abort.signal);
    await eventually(() => server.requests.some((request) => request.endsWith('2')), 10_000);
    abort.abort();
    await assert.rejects(asked, (error) => error instanceof AppError && error.code === 'cancelled');
    await eventually(() => server.sockets.size === 0, 10_000);
    await server.stop();
  });
});
