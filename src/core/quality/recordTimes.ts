import { toNumber } from '../expressions/evaluate.ts';

/** Records are of these years, in milliseconds since 1970: from the first on, and before the second. Anything else is a slip: 0, a number of an order, a date of another unit. */
export const [LEAST_TIME, MOST_TIME] = [Date.UTC(2000, 0), Date.UTC(2100, 0)];
/** What `RecordTimes` gives for what is no time. */
export const NO_TIME = Number.NEGATIVE_INFINITY;

/** A date, or a date and a time of day as ISO 8601, SQL (a blank between them) and BigQuery (`UTC`) have them, with or without a zone. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?(?: ?(?:Z|z|UTC|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?))?)?$/;

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;

/** Two digits; NaN where there are others. */
function pair(text: string, at: number): number {
  const tens = digit(text, at);
  const ones = digit(text, at + 1);
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

/** Midnight of a day of the calendar, `2026-03-02`; NaN where there is none. */
function midnightOf(day: string): number {
  const midnight = Date.parse(day);
  // The 30th of February would be a day in March.
  return Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day ? Number.NaN : midnight;
}

function plausible(time: number): number {
  return time >= LEAST_TIME && time < MOST_TIME ? time : NO_TIME;
}

/** Times as records have them. Texts of one day after the other are read without a new date for each. */
export class RecordTimes {
  #day = '';
  #midnight = Number.NaN;

  /**
   * Milliseconds since 1970 of an ISO 8601 text (in UTC where it names no zone, whoever reads it), a date, or a number of seconds, milliseconds, microseconds or nanoseconds. NaN: there is none (null, an
   * empty text); `NO_TIME`: what is there is none, or not of the years 2000 to 2099.
   */
  of(value: unknown): number {
    if (typeof value === 'string') {
      const usual = this.#usual(value);
      if (!Number.isNaN(usual)) return usual;
      const match = TIME.exec(value);
      if (match !== null) return plausible(timeIn(match));
      if (value.trim() === '') return Number.NaN;
    }
    if (value === undefined || value === null || Number.isNaN(value)) return Number.NaN;
    if (value instanceof Date) return plausible(value.getTime());
    const number = toNumber(value);
    if (number === null) return NO_TIME;
    // The units do not overlap in these years.
    if (number < 1e11) return plausible(number * 1000);
    return plausible(number < 1e14 ? number : number < 1e17 ? number / 1000 : number / 1e6);
  }

  /** `2026-03-02T10:00:00Z`, `2026-03-02T10:00:00.123Z`, `...+00:00`, `2026-03-02 10:00:00`: what services write. NaN for others, which may be right all the same. */
  #usual(text: string): number {
    const { length } = text;
    const end = text.charCodeAt(length - 1) === 90 ? length - 1 : text.endsWith('+00:00') ? length - 6 : length;
    const between = text.charCodeAt(10);
    if (end < 19 || (between !== 84 && between !== 32) || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
    if (!text.startsWith(this.#day) || this.#day === '') {
      const day = text.slice(0, 10);
      this.#midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? midnightOf(day) : Number.NaN;
      this.#day = this.#midnight >= LEAST_TIME && this.#midnight < MOST_TIME ? day : '';
      if (this.#day === '') return Number.NaN;
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

/** Milliseconds since 1970 of a date, or of a date and a time of day, of any year, in UTC where the text names no zone; NaN where it is none. */
export function instantOf(text: string): number {
  const match = TIME.exec(text);
  return match === null ? Number.NaN : timeIn(match);
}

/** The time of what `TIME` has found; NaN where its day is none. */
function timeIn([, day = '', hours = '0', minutes = '0', seconds = '0', fraction = '', sign, offsetHours = '0', offsetMinutes = '0']: readonly (string | undefined)[]): number {
  const offset = (sign === '-' ? -1 : 1) * (Number(offsetHours) * 60 + Number(offsetMinutes));
  return midnightOf(day) + (Number(hours) * 60 + Number(minutes) - offset) * 60_000 + Number(seconds) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
}
