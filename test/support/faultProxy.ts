import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProxiedCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Lets the server have the call; gives its answer, which the caller does not get. */
  readonly forward: () => Promise<Buffer>;
  /** Lets the call and its answer pass as they are. */
  readonly pass: () => Promise<void>;
}

/** What becomes of one call. */
export type Handling = (call: ProxiedCall) => Promise<unknown> | undefined;

/** What can go wrong: with one call (the server does not get it, its answer is lost or spoilt, another answer comes), or from it on. */
export interface Fault {
  readonly spoil?: Handling;
  /** Which calls find nobody listening, by their distance from the spoilt one. */
  readonly refuses?: (distance: number) => boolean;
}

/** Longer than the clients of the tests wait. */
const DELAY_MS = 500;
/** Longer than it takes them to answer for what they did not hear of: Unleash has no locking, and two writes that meet within some 10 ms may overwrite one another. */
const LATE_MS = 2500;
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const answer = (status: number, body: string, headers: Record<string, string> = {}): Fault => ({
  spoil: ({ response }) => {
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json', ...headers }).end(body);
    return undefined;
  },
});

const loseAnswer: Handling = async ({ request, forward }) => {
  await forward();
  request.socket.destroy();
};

/** What networks, proxies and servers do. A delay stands for any that is longer than the client waits, such as 30 s. */
export const faults: Readonly<Record<string, Fault>> = {
  'connection refused': { refuses: (distance) => distance === 0 },
  'connection refused from then on': { refuses: (distance) => distance >= 0 },
  'reset before the server has it': {
    spoil: ({ request }) => {
      request.socket.destroy();
      return undefined;
    },
  },
  'reset in the middle of the answer': {
    spoil: async ({ request, response, forward }) => {
      const body = await forward();
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length + 100) });
      response.write(body.subarray(0, Math.floor(body.length / 2)));
      setImmediate(() => request.socket.destroy());
    },
  },
  'answer lost after the server has applied it': { spoil: loseAnswer },
  'answer lost, and connection refused from then on': { spoil: loseAnswer, refuses: (distance) => distance > 0 },
  'answer delayed after the server has applied it': {
    spoil: async ({ request, forward }) => {
      await forward();
      await delay(DELAY_MS);
      request.socket.destroy();
    },
  },
  'request delayed before the server has it': {
    spoil: async ({ pass }) => {
      await delay(LATE_MS);
      await pass();
    },
  },
  'request that hangs': { spoil: () => undefined },
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
  'truncated JSON': {
    spoil: async ({ response, forward }) => {
      const body = await forward();
      response.writeHead(200, { 'content-type': 'application/json' }).end(body.subarray(0, Math.floor(body.length / 2)));
    },
  },
  'HTML page': answer(200, '<html>Please sign in</html>'),
  'wrong types': answer(200, '{"environments":7,"events":"none","segments":{},"id":[]}'),
  'answer of 50 MB': { spoil: ({ response }) => blank(response, 50) },
};

/** The client is killed at the call: before the server has it, or after it applied it. */
export function killing(kill: () => void, applied: boolean): Fault {
  return {
    spoil: async ({ request, forward }) => {
      if (applied) await forward();
      kill();
      request.socket.destroy();
    },
  };
}

/** More than a client takes at all. */
export const tooLarge: Fault = { spoil: ({ response }) => blank(response, 65) };

/** An answer of nothing but spaces. */
function blank(response: ServerResponse, megabytes: number): undefined {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  let left = megabytes;
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
}

/** Nobody listens on this port: no program is given it, and fetch does not refuse it by itself as it does 1 or 9. */
const NOBODY = 'http://127.0.0.1:2';

/** Stands in front of a real server and spoils one call, by its number. */
export class FaultProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #open = new Set<Promise<void>>();
  #spoil: (number: number) => Handling | undefined = () => undefined;
  #refuses: (number: number) => boolean = () => false;
  #begun = 0;
  /** The calls that arrived since the last `arm`, as `METHOD path`. */
  calls: string[] = [];

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      // A caller that goes away in the middle is what these tests are about.
      const handling = this.#handle(request, response).catch(() => void response.destroy()).finally(() => this.#open.delete(handling));
      this.#open.add(handling);
    });
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A client's way to the proxy; a call that is to be refused goes where nobody listens. */
  readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
    const number = this.#begun;
    this.#begun += 1;
    return fetch(this.#refuses(number) ? url.replace(this.url, NOBODY) : url, init);
  };

  /** Spoils the call with this number, counted from 0 from now on; without a fault all pass. */
  arm(at = 0, fault: Fault = {}): void {
    this.calls = [];
    this.#begun = 0;
    this.#spoil = (number) => (number === at ? fault.spoil : undefined);
    this.#refuses = (number) => fault.refuses?.(number - at) === true;
  }

  /** Does something before each call from now on, while the call waits. */
  meddle(work: (number: number) => Promise<void>): void {
    this.arm();
    this.#spoil = (number) => ({ pass }) => work(number).then(pass);
  }

  /** When the server has answered all that was let through to it, also what came late. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = this.calls.push(`${request.method ?? ''} ${request.url ?? ''}`) - 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const forward = (): Promise<Reply> => this.#forward(request, Buffer.concat(chunks));
    const pass = async (): Promise<void> => {
      const { status, headers, body } = await forward();
      response.writeHead(status, headers).end(body);
    };
    const spoil = this.#spoil(number);
    await (spoil === undefined ? pass() : spoil({ request, response, pass, forward: async () => (await forward()).body }));
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<Reply> {
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

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
