import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What can go wrong with one call: the server does not get it, its answer is lost or spoilt, or another answer comes. */
export type Fault = (call: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly forward: () => Promise<Buffer> }) => Promise<unknown> | undefined;

const answer = (status: number, body: string, headers: Record<string, string> = {}): Fault => ({ response }) => {
  response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json', ...headers }).end(body);
  return undefined;
};

/** The answer that a failing network gives: none. `delayed` answers stay away longer than the client waits. */
export const faults: Readonly<Record<string, Fault>> = {
  'reset before the server has it': ({ request }) => {
    request.socket.destroy();
    return undefined;
  },
  'reset in the middle of the answer': async ({ request, response, forward }) => {
    const body = await forward();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length + 100) });
    response.write(body.subarray(0, Math.floor(body.length / 2)));
    setImmediate(() => request.socket.destroy());
  },
  'answer lost after the server has applied it': async ({ request, forward }) => {
    await forward();
    request.socket.destroy();
  },
  'answer delayed after the server has applied it': ({ forward }) => forward(),
  'request that hangs': () => undefined,
  '401': answer(401, '{"name":"UnauthorizedError","message":"You must log in to use Unleash."}'),
  '403': answer(403, '{"name":"PermissionError","message":"no","permissions":["UPDATE_FEATURE_STRATEGY"]}'),
  '403 of change requests': answer(403, '{"name":"PermissionError","message":"To perform this action, you need the \\"SKIP_CHANGE_REQUEST\\" permission."}'),
  '404': answer(404, '{"name":"NotFoundError","message":"There is no such thing."}'),
  '409': answer(409, ''),
  '413': answer(413, '{"message":"request entity too large"}'),
  '429 with Retry-After': answer(429, 'Too many requests, please try again later.', { 'retry-after': '1' }),
  '429 without Retry-After': answer(429, 'Too many requests, please try again later.'),
  '500': answer(500, '{"name":"UnknownError","message":"boom"}'),
  '503 of maintenance': answer(503, '{"message":"Unleash is currently in maintenance mode."}'),
  'truncated JSON': async ({ response, forward }) => {
    const body = await forward();
    response.writeHead(200, { 'content-type': 'application/json' }).end(body.subarray(0, Math.floor(body.length / 2)));
  },
  'HTML page': answer(200, '<html>Please sign in</html>'),
  'wrong types': answer(200, '{"environments":7,"events":"none","segments":{},"id":[]}'),
  'answer of 65 MB': ({ response }) => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let left = 65;
    const write = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= 1;
        if (!response.write(chunk)) {
          response.once('drain', write);
          return;
        }
      }
      response.end();
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    write();
    return undefined;
  },
};

/** Stands in front of a real server and spoils one call, by its number. */
export class FaultProxy {
  readonly #server: Server;
  readonly #target: URL;
  #fault: { at: number; fault: Fault } | undefined;
  /** The calls since the last `arm`, as `METHOD path`. */
  calls: string[] = [];

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Spoils the call with this number, counted from 0 from now on; without a fault all pass. */
  arm(at?: number, fault?: Fault): void {
    this.calls = [];
    this.#fault = at === undefined || fault === undefined ? undefined : { at, fault };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = this.calls.push(`${request.method ?? ''} ${request.url ?? ''}`) - 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const spoilt = this.#fault?.at === number ? this.#fault.fault : undefined;
    let reply: { status: number; headers: IncomingMessage['headers'] } = { status: 502, headers: {} };
    const forward = async (): Promise<Buffer> => {
      const { status, headers, body } = await this.#forward(request, Buffer.concat(chunks));
      reply = { status, headers };
      return body;
    };
    if (spoilt !== undefined) {
      await spoilt({ request, response, forward });
      return;
    }
    const body = await forward();
    response.writeHead(reply.status, reply.headers).end(body);
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    const { hostname, port } = this.#target;
    return new Promise((resolve, reject) => {
      const outgoing = send({ hostname, port, path: request.url, method: request.method, headers: { ...request.headers, 'accept-encoding': 'identity' } }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }));
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }
}
