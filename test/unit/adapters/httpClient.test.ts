import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../../src/core/base/errors.ts';
import { HttpClient, type HttpRequest } from '../../../src/adapters/node/httpClient.ts';
import { otherServer } from '../../support/otherServer.ts';
import { UnleashClient } from '../../../src/adapters/unleash/unleashClient.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, call: number) => void;

const TOKEN = 'user:0123456789abcdef0123456789abcdef';

describe('an HTTP client of one origin', () => {
  const servers: Server[] = [];
  let calls: { method: string; authorization: string | undefined }[] = [];
  const waits: number[] = [];

  async function serve(handler: Handler): Promise<HttpClient> {
    calls = [];
    waits.length = 0;
    const server = createServer((request, response) => {
      calls.push({ method: request.method ?? '', authorization: request.headers.authorization });
      handler(request, response, calls.length);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return clientOf(`http://127.0.0.1:${port}`);
  }

  function clientOf(baseUrl: string): HttpClient {
    return new HttpClient({
      baseUrl,
      credentials: { authorization: TOKEN },
      fetch: (url, init) => fetch(url, init),
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    });
  }

  function closeAll(): void {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  }
  afterEach(closeAll);

  async function failure(client: HttpClient, request: Partial<HttpRequest> = {}): Promise<AppError> {
    const error: unknown = await client.send({ method: 'GET', path: '/x', ...request }).then(() => assert.fail('it succeeded'), (thrown: unknown) => thrown);
    assert.ok(error instanceof AppError, String(error));
    assert.ok(!JSON.stringify([error.message, error.data]).includes(TOKEN), 'the token is in the error');
    return error;
  }

  it('repeats a read after a passing fault, with growing waits', async () => {
    const client = await serve((_request, response, call) => response.writeHead(call < 3 ? 503 : 200).end('{}'));
    assert.equal((await client.send({ method: 'GET', path: '/x' })).status, 200);
    assert.deepEqual(waits, [300, 600]);
  });

  it('gives the last answer back when the fault stays', async () => {
    const client = await serve((_request, response) => response.writeHead(502).end('bad gateway'));
    assert.equal((await client.send({ method: 'GET', path: '/x' })).status, 502);
    assert.equal(calls.length, 3);
  });

  it('never repeats a write', async () => {
    const client = await serve((_request, response) => response.writeHead(503).end('{}'));
    await client.send({ method: 'PATCH', path: '/x', body: [] });
    assert.equal(calls.length, 1);
    const reset = await serve((request) => request.socket.destroy());
    assert.equal((await failure(reset, { method: 'POST' })).code, 'network');
    assert.equal(calls.length, 1);
  });

  it('waits as long as a 429 asks, and tells the time when that is too long', async () => {
    const short = await serve((_request, response, call) => response.writeHead(call === 1 ? 429 : 200, { 'retry-after': '2' }).end('{}'));
    await short.send({ method: 'GET', path: '/x' });
    assert.deepEqual(waits, [2000]);
    const long = await serve((_request, response) => response.writeHead(429, { 'retry-after': '59' }).end('Too many requests, please try again later.'));
    const error = await failure(long);
    assert.deepEqual([error.code, error.data['retryAfterMs'], calls.length], ['rateLimited', 59_000, 1]);
    assert.match(error.message, /Try again in 59 s/);
  });

  it('follows no redirect: the token stays with its origin', async () => {
    const other = await otherServer();
    const client = await serve((_request, response) => response.writeHead(302, { location: `${other.origin}/steal` }).end());
    const error = await failure(client).finally(() => other.close());
    assert.deepEqual([error.data['reason'], other.requests()], ['redirect', 0]);
    assert.match(error.message, new RegExp(`redirects to ${other.origin}, which is not followed`));
  });

  it('tells refused, unknown host and a slow server apart', async () => {
    const client = await serve(() => undefined);
    const slow = await failure(client, { method: 'POST', timeoutMs: 50 });
    assert.equal(slow.code, 'timeout');
    const closed = await serve((_request, response) => response.end());
    closeAll();
    assert.match((await failure(clientOf(closed.origin))).message, /cannot be reached \(ECONNREFUSED\)/);
    assert.equal((await failure(clientOf('http://nowhere.invalid'))).data['reason'], 'dns');
  });

  it('says that it is TLS when the certificate or the handshake is the trouble', async () => {
    const plain = await serve((_request, response) => response.end('{}'));
    const error = await failure(clientOf(plain.origin.replace('http:', 'https:')));
    assert.deepEqual([error.code, error.data['reason'], waits], ['network', 'tls', []]);
  });

  it('is cancelled by its signal, which is no error of the server', async () => {
    const client = await serve(() => undefined);
    const abort = new AbortController();
    const error = failure(client, { signal: abort.signal });
    abort.abort();
    assert.equal((await error).code, 'cancelled');
  });

  it('drops an answer that does not end', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const client = await serve((_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const error = await failure(client, { method: 'POST' });
    assert.equal(error.data['reason'], 'tooLarge');
  });

  const answers: { name: string; status: number; body: string; code: string; says: RegExp }[] = [
    { name: 'a wrong token', status: 401, body: '{"name":"UnauthorizedError","message":"You must log in"}', code: 'auth', says: /wrong, expired or revoked/ },
    { name: 'a token of another type', status: 403, body: '{"message":"invalid token: expected a different token type for this endpoint"}', code: 'forbidden', says: /personal access token/ },
    { name: 'a missing permission', status: 403, body: '{"name":"PermissionError","message":"x","permissions":["UPDATE_FEATURE_STRATEGY"]}', code: 'forbidden', says: /lacks the permission UPDATE_FEATURE_STRATEGY/ },
    { name: 'change requests', status: 403, body: '{"message":"you need the \\"SKIP_CHANGE_REQUEST\\" permission."}', code: 'forbidden', says: /under change requests/ },
    { name: 'an API that is not there', status: 404, body: '{"message":"The path you were looking for (/api/admin/user) is not available."}', code: 'notFound', says: /no such API/ },
    { name: 'another server', status: 404, body: '<html>Not found</html>', code: 'validation', says: /does not answer like an Unleash server/ },
    { name: 'a login page', status: 200, body: '<html>Sign in</html>', code: 'validation', says: /does not answer like an Unleash server/ },
    { name: 'other JSON', status: 200, body: '{"hello":"world"}', code: 'validation', says: /cannot be read/ },
    { name: 'maintenance', status: 503, body: '{"message":"Unleash is currently in maintenance mode."}', code: 'network', says: /maintenance mode/ },
    { name: 'a server error', status: 500, body: '{"name":"UnknownError","message":"boom\\nstack"}', code: 'internal', says: /failed with status 500: boom$/ },
  ];
  for (const { name, status, body, code, says } of answers) {
    it(`has a sentence of its own for ${name}`, async () => {
      const http = await serve((_request, response) => response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json' }).end(body));
      const client = new UnleashClient(http, () => Promise.resolve([]));
      const error: unknown = await client.readIdentity().catch((thrown: unknown) => thrown);
      assert.ok(error instanceof AppError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
    });
  }
});
