import * as http from 'node:http';
import * as https from 'node:https';
import { AppError } from '../../core/base/errors.ts';
import type { Failure } from '../../core/suites/subject.ts';

export const LARGEST_ANSWER = 64 * 1024 * 1024;
export const TOO_LARGE = `The answer has more than ${LARGEST_ANSWER / 1024 / 1024} MB: it was dropped.`;
export const BROKEN_ANSWER = 'The connection broke in the middle of the answer.';

export function noAnswerWithin(ms: number): string {
  return `There was no answer within ${ms} ms.`;
}

export function unreachable(url: string, why: string): Failure {
  return { failed: 'unreachable', message: `${new URL(url).origin} cannot be reached (${why}).` };
}

export interface HttpAnswered {
  readonly status: number;
  readonly text: string;
  readonly header: (name: string) => string | null;
}

/** Sends JSON and gives the answer, whatever its status; a fault is a `Failure`. */
export interface Sender {
  /** @throws AppError cancelled */
  send(method: 'GET' | 'POST', url: string, body: string | undefined, signal: AbortSignal): Promise<HttpAnswered | Failure>;
  close(): void;
}

/** Sends JSON over connections that are kept. A fault is a `Failure`; redirects are not followed. */
export class JsonSender implements Sender {
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;
  readonly #timeoutMs: number;

  constructor(url: string, concurrency: number, timeoutMs: number) {
    const isTls = url.startsWith('https:');
    const options = { keepAlive: true, maxSockets: concurrency, scheduling: 'lifo' } as const;
    this.#agent = isTls ? new https.Agent(options) : new http.Agent(options);
    this.#send = isTls ? https.request : http.request;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws AppError cancelled */
  async send(method: 'GET' | 'POST', url: string, body: string | undefined, signal: AbortSignal): Promise<HttpAnswered | Failure> {
    const first = await this.#once(method, url, body, signal);
    // A kept connection that the server closed at this moment: the request did not reach the model.
    return 'stale' in first ? without(await this.#once(method, url, body, signal)) : first;
  }

  #once(method: 'GET' | 'POST', url: string, body: string | undefined, signal: AbortSignal): Promise<HttpAnswered | Failure | (Failure & { readonly stale: true })> {
    if (signal.aborted) return Promise.reject(new AppError('cancelled', 'Cancelled.'));
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined = undefined;
      const cancel = (): void => { request.destroy(); end(() => reject(new AppError('cancelled', 'Cancelled.'))); };
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        settle();
      };
      const fail = (failed: Failure['failed'], message: string): void => { request.destroy(); end(() => resolve({ failed, message })); };
      const headers = body === undefined ? { accept: 'application/json' } : { accept: 'application/json', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const request = this.#send(url, { method, agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > LARGEST_ANSWER) fail('garbage', TOO_LARGE);
          else chunks.push(chunk);
        });
        response.on('error', () => fail('unreachable', BROKEN_ANSWER));
        response.on('end', () => end(() => resolve({
          status: response.statusCode ?? 0,
          text: (chunks.length === 1 ? chunks[0] ?? Buffer.alloc(0) : Buffer.concat(chunks)).toString('utf8'),
          header: (name) => { const value = response.headers[name.toLowerCase()]; return typeof value === 'string' ? value : null; },
        })));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        end(() => resolve({ ...unreachable(url, error.code ?? error.message), ...(stale ? { stale } : {}) }));
      });
      timer = setTimeout(() => fail('timeout', noAnswerWithin(this.#timeoutMs)), this.#timeoutMs);
      signal.addEventListener('abort', cancel);
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function without(answer: HttpAnswered | Failure): HttpAnswered | Failure {
  return 'failed' in answer ? { failed: answer.failed, message: answer.message } : answer;
}
