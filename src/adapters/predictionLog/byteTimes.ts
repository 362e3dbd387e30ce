import { RecordTimes } from '../../core/quality/recordTimes.ts';
import { endOfText, QUOTE } from './byteValues.ts';

const [ZULU, PLUS, COLON, DOT, ZERO] = [90, 43, 58, 46, 48];
/** `2026-03-02T10:00:` */
const MINUTE = 17;
const USUAL_MINUTE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:$/;
/** Digits of a second that count: dates have whole milliseconds. */
const MILLISECONDS = 3;
const SCALES: readonly number[] = [1000, 100, 10, 1];

/** Times that stand in bytes, as `RecordTimes` reads their texts. Most are of the minute of the one before, so that only seconds are to be read. `end` is after the closing quote of the last one; -1: it is a text that is not read here. */
export class ByteTimes {
  readonly #times = new RecordTimes();
  readonly #minute = new Uint8Array(MINUTE);
  #minuteAt = Number.NaN;
  end = 0;

  of(value: unknown): number {
    return this.#times.of(value);
  }

  /** `start` is after the opening quote. */
  read(bytes: Buffer, start: number): number {
    for (let index = 0; index < MINUTE; index += 1) if (bytes[start + index] !== this.#minute[index]) return this.#other(bytes, start);
    const tens = (bytes[start + 17] ?? 0) - ZERO;
    const ones = (bytes[start + 18] ?? 0) - ZERO;
    if (!(tens >= 0 && tens < 6 && ones >= 0 && ones <= 9)) return this.#other(bytes, start);
    let at = start + 19;
    let fraction = 0;
    let digits = 0;
    if (bytes[at] === DOT) {
      for (at += 1; ; at += 1, digits += 1) {
        const value = (bytes[at] ?? 0) - ZERO;
        if (value < 0 || value > 9) break;
        if (digits < MILLISECONDS) fraction = 10 * fraction + value;
      }
      if (digits === 0) return this.#other(bytes, start);
    }
    if (bytes[at] === ZULU) at += 1;
    else if (isUtcOffset(bytes, at)) at += 6;
    if (bytes[at] !== QUOTE) return this.#other(bytes, start);
    this.end = at + 1;
    return this.#minuteAt + (10 * tens + ones) * 1000 + fraction * (SCALES[digits] ?? 1);
  }

  #other(bytes: Buffer, start: number): number {
    const end = endOfText(bytes, start, true);
    this.end = end < 0 ? -1 : end + 1;
    if (end < 0) return Number.NaN;
    const text = bytes.toString('latin1', start, end);
    const minute = text.slice(0, MINUTE);
    const at = USUAL_MINUTE.test(minute) ? this.#times.of(`${minute}00Z`) : Number.NaN;
    if (Number.isFinite(at)) {
      this.#minuteAt = at;
      for (let index = 0; index < MINUTE; index += 1) this.#minute[index] = minute.charCodeAt(index);
    }
    return this.#times.of(text);
  }
}

function isUtcOffset(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === PLUS && bytes[at + 1] === ZERO && bytes[at + 2] === ZERO && bytes[at + 3] === COLON && bytes[at + 4] === ZERO && bytes[at + 5] === ZERO;
}
