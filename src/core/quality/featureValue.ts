/** What is counted of a value of a feature, wherever it stands: in a log or in a reference, in JSON Lines, CSV or Parquet. */
import { dateText, isNotFinite } from '../expressions/evaluate.ts';
import { instantOf } from './recordTimes.ts';

const CODE = /^\s*[+-]?0\d/;
const [DASH, DAY] = ['-', 'YYYY-MM-DD'.length];

/** Whether a text is a zip code or an account number: as a number it would lose its leading zeros. */
export function isCode(text: string): boolean {
  return CODE.test(text);
}

/** A number, text or truth of a feature. NaN, an infinity, also as text: NaN; a date, also as text: its text in UTC; a whole number beyond 2^53: the nearest number. Anything else as it is. */
export function featureValue(value: unknown): unknown {
  if (isNotFinite(value)) return Number.NaN;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return dateText(value.getTime()) ?? Number.NaN;
  if (typeof value !== 'string' || value.length <= DAY || value.charAt(4) !== DASH || value.charAt(7) !== DASH) return value;
  const instant = instantOf(value);
  return Number.isNaN(instant) ? value : dateText(instant) ?? Number.NaN;
}
