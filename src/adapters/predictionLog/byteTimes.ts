import { RecordTimes } from '../../core/quality/recordTimes.ts';

const [ZULU, PLUS, COLON, DOT, ZERO] = [90, 43, 58, 46, 48];
/** `2026-03-02T10:00:` */
const MINUTE = 17;
const USUAL_MINUTE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:$/;

/** Times that stand in bytes, as `RecordTimes` reads their texts. Most are of the minute of the one before, so that only seconds are to be read. */
export class ByteTimes {
  readonly #times = new RecordTimes();
  readonly #minute = new Uint8Array(MINUTE);
  #minuteAt = Number.NaN;

  of(value: unknown): number {
    return this.#times.of(value);
  }

  ofBytes(bytes: Buffer, from: number, to: number): number {
    const end = bytes[to - 1] === ZULU ? to - 1 : isUtcOffset(bytes, to) ? to - 6 : to;
    if (end - from < 19) return this.#other(bytes, from, to);
    for (let index = 0; index < MINUTE; index += 1) if (bytes[from + index] !== this.#minute[index]) return this.#other(bytes, from, to);
    const tens = (bytes[from + 17] ?? 0) - ZERO;
    const ones = (bytes[from + 18] ?? 0) - ZERO;
    if (!(tens >= 0 && tens < 6 && ones >= 0 && ones <= 9 && (end === from + 19 || (bytes[from + 19] === DOT && end > from + 20)))) return this.#other(bytes, from, to);
    let time = this.#minuteAt + (10 * tens + ones) * 1000;
    for (let at = from + 20, scale = 100; at < end; at += 1, scale /= 10) {
      const value = (bytes[at] ?? 0) - ZERO;
      if (value < 0 || value > 9) return this.#other(bytes, from, to);
      // Whole milliseconds, as dates have them.
      if (scale >= 1) time += value * scale;
    }
    return time;
  }

  #other(bytes: Buffer, from: number, to: number): number {
    const text = bytes.toString('latin1', from, to);
    const minute = text.slice(0, MINUTE);
    const at = USUAL_MINUTE.test(minute) ? this.#times.of(`${minute}00Z`) : Number.NaN;
    if (Number.isFinite(at)) {
      this.#minuteAt = at;
      for (let index = 0; index < MINUTE; index += 1) this.#minute[index] = minute.charCodeAt(index);
    }
    return this.#times.of(text);
  }
}

function isUtcOffset(bytes: Uint8Array, to: number): boolean {
  return bytes[to - 6] === PLUS && bytes[to - 5] === ZERO && bytes[to - 4] === ZERO && bytes[to - 3] === COLON && bytes[to - 2] === ZERO && bytes[to - 1] === ZERO;
}
