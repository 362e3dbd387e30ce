import { toNumber } from '../expressions/evaluate.ts';

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;

/** Two digits; NaN where there are others. */
function pair(text: string, at: number): number {
  const tens = digit(text, at);
  const ones = digit(text, at + 1);
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

/** Times as records have them. Texts of one day after the other are read without a new date for each. */
export class RecordTimes {
  #day = '';
  #midnight = Number.NaN;

  /** Milliseconds since 1970 of an ISO 8601 text, a date, or a number of seconds, milliseconds, microseconds or nanoseconds; NaN for all else. */
  of(value: unknown): number {
    if (typeof value === 'string') {
      const usual = this.#usual(value);
      if (!Number.isNaN(usual)) return usual;
      const parsed = Date.parse(value);
      if (!Number.isNaN(parsed)) return parsed;
    }
    if (value instanceof Date) return value.getTime();
    const number = toNumber(value);
    if (number === null) return Number.NaN;
    // The years 2001 to 2286 do not overlap.
    if (number < 1e11) return number * 1000;
    return number < 1e14 ? number : number < 1e17 ? number / 1000 : number / 1e6;
  }

  /** `2026-03-02T10:00:00Z`, `2026-03-02T10:00:00.123Z`, `...+00:00`: what services write. NaN for others, which may be right all the same. */
  #usual(text: string): number {
    const { length } = text;
    const isUtc = text.charCodeAt(length - 1) === 90;
    const end = isUtc ? length - 1 : text.endsWith('+00:00') ? length - 6 : 0;
    if (end < 19 || text.charCodeAt(10) !== 84 || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
    if (!text.startsWith(this.#day) || this.#day === '') {
      const day = text.slice(0, 10);
      this.#midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
      this.#day = Number.isNaN(this.#midnight) ? '' : day;
    }
    const hours = pair(text, 11);
    const minutes = pair(text, 14);
    const seconds = pair(text, 17);
    if (!(hours < 24 && minutes < 60 && seconds < 60)) return Number.NaN;
    let fraction = 0;
    if (end > 19) {
      if (text.charCodeAt(19) !== 46 || end < 21) return Number.NaN;
      for (let at = 20, scale = 100; at < end; at += 1, scale /= 10) {
        const value = digit(text, at);
        if (!(value >= 0 && value <= 9)) return Number.NaN;
        // Whole milliseconds, as dates have them.
        if (at < 23) fraction += value * scale;
      }
    }
    return this.#midnight + hours * 3_600_000 + minutes * 60_000 + seconds * 1000 + fraction;
  }
}
