/** Values of JSON read from bytes, as `JSON.parse` gives them. What is not read here ends at -1: it needs another reader, and may be wrong. */

export const [QUOTE, COMMA, CLOSE, BACKSLASH, MINUS, DOT, ZERO, NINE, LINE_END] = [34, 44, 125, 92, 45, 46, 48, 57, 10];
const [FIRST_PRINTED, LAST_ASCII] = [32, 127];
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** A whole number of so many digits is exact, and so is its quotient by a power of ten. */
const EXACT_DIGITS = 15;
const POWERS: readonly number[] = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => Number(`1e${power}`));
const LONGEST_NUMBER = 64;
/** As long as texts are that come again: names, codes. */
const LONGEST_KEPT = 64;
const KEPT = 64;

/** Whether the same bytes stand at a place. */
export function isAt(bytes: Uint8Array, at: number, expected: Uint8Array, length: number): boolean {
  for (let index = 0; index < length; index += 1) if (bytes[at + index] !== expected[index]) return false;
  return true;
}

/** Bytes that are looked for again and again: compared eight at a time, as numbers, the last eight of them once more. No eight bytes of UTF-8 are NaN, and none without a NUL are 0, so that equal numbers are equal bytes. */
export class Expected {
  readonly length: number;
  readonly #words: Float64Array;
  readonly #last: number;
  /** Where there are less than eight. */
  readonly #few: Uint8Array;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    this.#words = Float64Array.from({ length: bytes.length >> 3 }, (_, index) => bytes.readDoubleLE(8 * index));
    this.#last = bytes.length < 8 ? 0 : bytes.readDoubleLE(bytes.length - 8);
    this.#few = Uint8Array.from(bytes.length < 8 ? bytes : []);
  }

  isAt(view: DataView, at: number): boolean {
    const words = this.#words;
    if (words.length === 0) return isFewAt(view, at, this.#few);
    for (let index = 0; index < words.length; index += 1) if (view.getFloat64(at + 8 * index, true) !== words[index]) return false;
    return view.getFloat64(at + this.length - 8, true) === this.#last;
  }
}

function isFewAt(view: DataView, at: number, few: Uint8Array): boolean {
  for (let index = 0; index < few.length; index += 1) if (view.getUint8(at + index) !== few[index]) return false;
  return true;
}

/** Reads numbers. `end` is where the last one ends. */
export class NumberReader {
  end = 0;

  read(bytes: Buffer, start: number): number {
    const isNegative = bytes[start] === MINUS;
    let at = start + (isNegative ? 1 : 0);
    const first = bytes[at] ?? 0;
    let digits = 0;
    let point = -1;
    let number = 0;
    for (; ; at += 1) {
      const code = bytes[at] ?? 0;
      if (code >= ZERO && code <= NINE) {
        number = 10 * number + code - ZERO;
        digits += 1;
      } else if (code === DOT && point < 0) {
        point = digits;
      } else {
        break;
      }
    }
    const last = bytes[at];
    const isPlain = (last === COMMA || last === CLOSE) && digits > 0 && digits <= EXACT_DIGITS && point !== 0 && point !== digits && !(first === ZERO && digits > 1 && point !== 1);
    if (!isPlain) return this.#other(bytes, start);
    this.end = at;
    if (point > 0) number /= POWERS[digits - point] ?? 1;
    return isNegative ? -number : number;
  }

  /** One with an exponent or many digits; what is no number of JSON (01, 1., .5) ends nowhere. */
  #other(bytes: Buffer, start: number): number {
    let at = start;
    for (let code = bytes[at]; code !== COMMA && code !== CLOSE && at - start <= LONGEST_NUMBER; code = bytes[at]) at += 1;
    const text = bytes.toString('latin1', start, at);
    this.end = NUMBER.test(text) ? at : -1;
    return Number(text);
  }
}

interface KeptText {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly text: string;
}

/** Reads texts of one field, which often come again: those are not made anew. `end` is after the closing quote. */
export class TextReader {
  end = 0;
  #last: KeptText | undefined;
  readonly #kept: (KeptText | undefined)[] = new Array<KeptText | undefined>(KEPT).fill(undefined);

  /** `start` is after the opening quote. */
  read(bytes: Buffer, start: number): string {
    const last = this.#last;
    if (last !== undefined && bytes[start + last.length] === QUOTE && isAt(bytes, start, last.bytes, last.length)) {
      this.end = start + last.length + 1;
      return last.text;
    }
    let at = start;
    let mixed = 0;
    let all = 0;
    for (let code = bytes[at] ?? 0; code !== QUOTE; code = bytes[at] ?? 0) {
      if (code < FIRST_PRINTED || code === BACKSLASH) {
        this.end = -1;
        return '';
      }
      mixed = (31 * mixed + code) | 0;
      all |= code;
      at += 1;
    }
    this.end = at + 1;
    const length = at - start;
    if (length > LONGEST_KEPT || all > LAST_ASCII) return bytes.toString('utf8', start, at);
    const slot = mixed & (KEPT - 1);
    const known = this.#kept[slot];
    if (known?.length === length && isAt(bytes, start, known.bytes, length)) {
      this.#last = known;
      return known.text;
    }
    this.#last = { bytes: Uint8Array.prototype.slice.call(bytes, start, at), length, text: bytes.toString('latin1', start, at) };
    this.#kept[slot] = this.#last;
    return this.#last.text;
  }
}

/** Where a text without escapes ends that begins after a quote, or -1; in ASCII only, where that is asked for. */
export function endOfText(bytes: Uint8Array, start: number, isAscii: boolean): number {
  const most = isAscii ? LAST_ASCII : 255;
  for (let at = start; ; at += 1) {
    const code = bytes[at] ?? 0;
    if (code === QUOTE) return at;
    if (code < FIRST_PRINTED || code === BACKSLASH || code > most) return -1;
  }
}
