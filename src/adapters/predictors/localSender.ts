import { AppError } from '../../core/base/errors.ts';
import type { Failure } from '../../core/suites/subject.ts';
import { BROKEN_ANSWER, LARGEST_ANSWER, noAnswerWithin, TOO_LARGE, unreachable, type HttpAnswered, type Sender } from './httpRequest.ts';
import { headerOf, WireConnection, type WireAnswer, type WireFault } from './wire.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether an address is of this machine, and not encrypted: no proxy and no certificates have a say then. */
export function isLocal(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && LOOPBACK.test(hostname);
}

/** Sends JSON to a server of this machine, over connections that are kept. A fault is a `Failure`; redirects are not followed. */
export class LocalSender implements Sender {
  readonly #host: string;
  readonly #port: number;
  readonly #origin: string;
  readonly #timeoutMs: number;
  readonly #idle: WireConnection[] = [];
  readonly #busy = new Set<WireConnection>();
  #isClosed = false;

  constructor(url: string, timeoutMs: number) {
    const { hostname, port, host } = new URL(url);
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = port === '' ? 80 : Number(port);
    this.#origin = host;
    this.#timeoutMs = timeoutMs;
  }

  async send(method: 'GET' | 'POST', url: string, body: string | undefined, signal: AbortSignal): Promise<HttpAnswered | Failure> {
    const path = url.slice(url.indexOf('/', url.indexOf('//') + 2)) || '/';
    const content = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    const request = `${method} ${url.includes('/', 8) ? path : '/'} HTTP/1.1\r\nhost: ${this.#origin}\r\naccept: application/json\r\nconnection: keep-alive\r\n${content}\r\n${body ?? ''}`;
    const first = await this.#once(request, url, signal);
    // The server closed a kept connection at this moment: the request did not reach the model.
    const answer = first === 'stale' ? await this.#once(request, url, signal, true) : first;
    return answer === 'stale' ? unreachable(url, 'ECONNRESET') : answer;
  }

  close(): void {
    this.#isClosed = true;
    for (const each of [...this.#idle.splice(0), ...this.#busy]) each.destroy();
  }

  #once(request: string, url: string, signal: AbortSignal, fresh = false): Promise<HttpAnswered | Failure | 'stale'> {
    if (signal.aborted || this.#isClosed) return Promise.reject(new AppError('cancelled', 'Cancelled.'));
    const connection = this.#take(fresh);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.#busy.delete(connection);
      };
      const cancel = (): void => {
        end();
        connection.destroy();
        reject(new AppError('cancelled', 'Cancelled.'));
      };
      const timer = setTimeout(() => {
        end();
        connection.destroy();
        resolve({ failed: 'timeout', message: noAnswerWithin(this.#timeoutMs) });
      }, this.#timeoutMs);
      signal.addEventListener('abort', cancel);
      void connection.ask(request).then((answer) => {
        end();
        if (connection.isOpen) this.#idle.push(connection);
        resolve(told(answer, url));
      });
    });
  }

  /** The connection that was used last, so that those which are not needed grow old. */
  #take(fresh: boolean): WireConnection {
    let connection = fresh ? undefined : this.#idle.pop();
    while (connection?.isOpen === false) connection = this.#idle.pop();
    connection ??= new WireConnection(this.#host, this.#port, LARGEST_ANSWER);
    this.#busy.add(connection);
    return connection;
  }
}

function told(answer: WireAnswer | WireFault, url: string): HttpAnswered | Failure | 'stale' {
  if (typeof answer === 'string') {
    if (answer === 'stale') return answer;
    if (answer === 'tooLarge') return { failed: 'garbage', message: TOO_LARGE };
    return answer === 'garbage' ? { failed: 'garbage', message: 'What the server sent is no HTTP.' } : { failed: 'unreachable', message: BROKEN_ANSWER };
  }
  if (!('head' in answer)) return unreachable(url, answer.code ?? answer.message);
  const { status, head, body } = answer;
  return { status, text: body.toString('utf8'), header: (name) => headerOf(head, name) };
}
