import type { SchemaElement } from 'hyparquet/src/types.js';
import { asStored, decimalOf, scaleOf } from './decimals.ts';

/** Reads numbers in Parquet's plain encoding, none of which is missing; undefined: one of them is to be read with more care. */
export type ReadNumbers = (bytes: Uint8Array, count: number) => Float64Array | undefined;

const WORD = 2 ** 32;
/** Above it a whole number of 64 bits is none that is exact. */
const [LEAST_HIGH, MOST_HIGH] = [-(2 ** 21), 2 ** 21 - 1];
/** Numbers between these are milliseconds in a record. */
const [LEAST_MILLIS, MOST_MILLIS] = [1e11, 1e14];
const NANOS = 1e6;
const [WHOLE_OF_WORD, REST_OF_WORD] = [Math.floor(WORD / NANOS), WORD % NANOS];

/** How the numbers of a column are read as JSON has them, and with `asMillis` times in milliseconds since 1970; undefined: they are others, or no numbers. */
export function numbersOf(element: SchemaElement, asMillis: boolean): ReadNumbers | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  const scale = scaleOf(element);
  if (scale !== undefined) return decimals(numbersOf(asStored(element), false), scale);
  if (type === 'DOUBLE') return (bytes, count) => new Float64Array(aligned(bytes, 8 * count));
  const isPlain = logical === undefined ? converted === undefined : logical.type === 'INTEGER' && logical.isSigned;
  if (isPlain && type === 'INT32') return (bytes, count) => Float64Array.from(new Int32Array(aligned(bytes, 4 * count)));
  if (type !== 'INT64') return undefined;
  if (isPlain) return (bytes, count) => longs(bytes, count, whole);
  const toMillis = asMillis ? millisOf(element) : undefined;
  return toMillis === undefined ? undefined : (bytes, count) => longs(bytes, count, toMillis);
}

function decimals(read: ReadNumbers | undefined, scale: number): ReadNumbers | undefined {
  return read === undefined ? undefined : (bytes, count) => read(bytes, count)?.map((whole) => Number(decimalOf(whole, scale)));
}

/** The bytes at a place that numbers of their size may have. @throws RangeError where there are fewer */
function aligned(bytes: Uint8Array, length: number): ArrayBuffer {
  if (bytes.length < length) throw new RangeError('a page ends early');
  return Uint8Array.prototype.slice.call(bytes, 0, length).buffer;
}

/** Numbers of 64 bits from their halves, the lower one without a sign; NaN: it can't be told by a number. */
function longs(bytes: Uint8Array, count: number, of: (high: number, low: number) => number): Float64Array | undefined {
  const words = new Int32Array(aligned(bytes, 8 * count));
  const numbers = new Float64Array(count);
  let isTold = true;
  for (let index = 0; index < count; index += 1) {
    const number = of(words[2 * index + 1] ?? 0, (words[2 * index] ?? 0) >>> 0);
    numbers[index] = number;
    isTold &&= !Number.isNaN(number);
  }
  return isTold ? numbers : undefined;
}

function whole(high: number, low: number): number {
  return high >= LEAST_HIGH && high <= MOST_HIGH ? high * WORD + low : Number.NaN;
}

function millisOf({ converted_type: converted, logical_type: logical }: SchemaElement): ((high: number, low: number) => number) | undefined {
  const unit = logical?.type === 'TIMESTAMP' ? logical.unit : converted === 'TIMESTAMP_MILLIS' ? 'MILLIS' : converted === 'TIMESTAMP_MICROS' ? 'MICROS' : undefined;
  if (unit === 'MILLIS') return (high, low) => usual(whole(high, low));
  if (unit === 'MICROS') return (high, low) => usual(Math.floor(whole(high, low) / 1000));
  // Nanoseconds of today are beyond 2^53: each half is divided by itself.
  return unit === 'NANOS' ? (high, low) => usual(high * WHOLE_OF_WORD + Math.floor((high * REST_OF_WORD + low) / NANOS)) : undefined;
}

function usual(millis: number): number {
  return millis >= LEAST_MILLIS && millis < MOST_MILLIS ? millis : Number.NaN;
}
