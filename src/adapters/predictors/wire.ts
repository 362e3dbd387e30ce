import { connect, type Socket } from 'node:net';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Status line and headers, as they are. */
  readonly head: string;
  readonly body: Buffer;
}

/** Why there is no answer: `stale` where a kept connection was closed before anything came, so that the request may be sent again. */
export type WireFault = 'stale' | 'closed' | 'garbage' | 'tooLarge' | NodeJS.ErrnoException;

const HEAD_END = '\r\n\r\n';
const LARGEST_HEAD = 64 * 1024;

/** What the head says about the length of the body. */
type Length = { readonly bytes: number } | 'chunked' | 'untilClose';

function lengthOf(head: string, status: number): Length | undefined {
  if (status === 204 || status === 304) return { bytes: 0 };
  // A coding goes before a length (RFC 9112, 6.3).
  if (/\r\ntransfer-encoding:[^\r]*\bchunked[ \t]*(?:\r\n|$)/i.test(head)) return 'chunked';
  const found = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|$)/i.exec(head);
  if (found !== null) return { bytes: Number(found[1]) };
  return /\r\ncontent-length:/i.test(head) ? undefined : 'untilClose';
}

/** The body of a chunked answer, and whether all of it is there; undefined where it is no such thing. */
function unchunked(data: Buffer, from: number): { readonly body: Buffer } | 'more' | undefined {
  const pieces: Buffer[] = [];
  let at = from;
  for (;;) {
    const end = data.indexOf('\r\n', at);
    if (end < 0) return data.length - at > 1024 ? undefined : 'more';
    const written = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(data.toString('latin1', at, end));
    if (written === null) return undefined;
    const size = Number.parseInt(written[1] ?? '', 16);
    at = end + 2;
    if (size === 0) {
      // Trailers end with an empty line.
      const done = data.toString('latin1', at, at + 2) === '\r\n' || data.indexOf(HEAD_END, at) >= 0;
      return done ? { body: Buffer.concat(pieces) } : 'more';
    }
    if (data.length < at + size + 2) return 'more';
    if (data.toString('latin1', at + size, at + size + 2) !== '\r\n') return undefined;
    pieces.push(data.subarray(at, at + size));
    at += size + 2;
  }
}

/**
 * One kept connection that speaks HTTP/1.1, one request at a time (RFC 9112): what node:http does, at a third of its cost, for servers of
 * this machine, where it is the asking that takes the time.
 */
export class WireConnection {
  readonly #socket: Socket;
  readonly #most: number;
  /** What came of an answer so far, and from how many bytes on it is worth looking at it again. */
  #pieces: Buffer[] = [];
  #size = 0;
  #enough = 0;
  #isChunked = false;
  #done: ((answer: WireAnswer | WireFault) => void) | undefined;
  #answers = 0;
  /** Whether another request may be sent on it. */
  isOpen = true;

  constructor(host: string, port: number, most: number) {
    this.#most = most;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#closed());
  }

  /** Sends a request as it is and gives what comes back. Never rejects. */
  ask(request: string): Promise<WireAnswer | WireFault> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#socket.write(request);
    });
  }

  destroy(): void {
    this.isOpen = false;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#done === undefined) {
      // Nobody asked: what it says is no answer to the next request.
      this.destroy();
      return;
    }
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    if (this.#size > this.#most) this.#end('tooLarge');
    // The last chunk and its trailers end with an empty line; joining all that came at every piece would take quadratic time.
    else if (this.#size >= this.#enough && (!this.#isChunked || chunk.length < 4 || chunk.toString('latin1', chunk.length - 4) === HEAD_END)) this.#parse(this.#joined(), false);
  }

  #joined(): Buffer {
    const [first, ...more] = this.#pieces;
    if (first === undefined || more.length === 0) return first ?? Buffer.alloc(0);
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  #parse(data: Buffer, isOver: boolean): void {
    const end = data.indexOf(HEAD_END);
    if (end < 0) {
      if (isOver || data.length > LARGEST_HEAD) this.#end('garbage');
      return;
    }
    const head = data.toString('latin1', 0, end);
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head)?.[1] ?? Number.NaN);
    const length = Number.isNaN(status) ? undefined : lengthOf(head, status);
    if (length === undefined) {
      this.#end('garbage');
    } else if (status < 200) {
      // Something like "100 Continue": the answer comes behind it.
      this.#pieces = [data.subarray(end + 4)];
      this.#size = data.length - end - 4;
      this.#parse(this.#joined(), isOver);
    } else if (length === 'chunked') {
      this.#isChunked = true;
      const found = unchunked(data, end + 4);
      if (found === undefined) this.#end('garbage');
      else if (found !== 'more') this.#answer(head, status, found.body);
    } else if (length === 'untilClose') {
      this.#enough = Infinity;
      if (isOver) this.#answer(head, status, data.subarray(end + 4), false);
    } else {
      this.#enough = end + 4 + length.bytes;
      if (data.length >= this.#enough) this.#answer(head, status, data.subarray(end + 4, this.#enough), data.length === this.#enough);
    }
  }

  #answer(head: string, status: number, body: Buffer, mayKeep = true): void {
    this.#answers += 1;
    this.#pieces = [];
    this.#size = 0;
    this.#enough = 0;
    this.#isChunked = false;
    if (!mayKeep || /\r\nconnection:[^\r]*\bclose\b/i.test(head) || (head.startsWith('HTTP/1.0') && !/\r\nconnection:[^\r]*\bkeep-alive\b/i.test(head))) this.destroy();
    const done = this.#done;
    this.#done = undefined;
    done?.({ status, head, body });
  }

  #closed(): void {
    this.isOpen = false;
    if (this.#size > 0 && this.#done !== undefined) this.#parse(this.#joined(), true);
    this.#end(this.#answers > 0 && this.#size === 0 ? 'stale' : 'closed');
  }

  #end(fault: WireFault): void {
    const isReset = typeof fault === 'object' && (fault.code === 'ECONNRESET' || fault.code === 'EPIPE');
    const done = this.#done;
    this.#done = undefined;
    this.destroy();
    done?.(isReset && this.#answers > 0 && this.#size === 0 ? 'stale' : fault);
  }
}

/** The value of a header in a head; null where it has none. */
export function headerOf(head: string, name: string): string | null {
  const found = head.split('\r\n').slice(1).find((line) => line.slice(0, line.indexOf(':')).toLowerCase() === name.toLowerCase());
  return found === undefined ? null : found.slice(found.indexOf(':') + 1).trim();
}
