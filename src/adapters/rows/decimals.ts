/**
 * DECIMAL columns of Parquet, as warehouses write NUMERIC: whole numbers of which so many digits stand behind the point (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#decimal).
 * hyparquet multiplies them by a power of ten, which has no exact number, and makes 0.5700000000000001 of 0.57; so it is given the columns without their type.
 */
import type { SchemaElement, SchemaTree } from 'hyparquet/src/types.js';

/** Powers of ten up to this one are exact numbers, and so is a quotient by one of them the nearest number. */
const MOST_EXACT = 22;
/** Longer whole numbers are read as such of any length. */
const MOST_BYTES = 6;

/** How many digits stand behind the point; undefined: the column is no DECIMAL. */
export function scaleOf({ converted_type: converted, logical_type: logical, scale }: SchemaElement): number | undefined {
  if (logical?.type === 'DECIMAL') return logical.scale;
  return converted === 'DECIMAL' ? scale ?? 0 : undefined;
}

/** The column without what says that it is a DECIMAL: its values come as they are stored. */
export function asStored(element: SchemaElement): SchemaElement {
  const stored = { ...element };
  takeType(stored);
  return stored;
}

function takeType(element: SchemaElement): void {
  delete element.converted_type;
  delete element.logical_type;
  // Bytes of any length would be taken for a text; how they are read is said elsewhere.
  if (element.type === 'BYTE_ARRAY') element.type = 'FIXED_LEN_BYTE_ARRAY';
}

/** The number nearest to a value as it is stored, as that of its digits in JSON is; a whole one beyond 2^53 as such. Anything else as it is. */
export function decimalOf(stored: unknown, scale: number): unknown {
  const whole = stored instanceof Uint8Array ? wholeOf(stored) : stored;
  if (typeof whole !== 'number' && typeof whole !== 'bigint') return stored;
  const number = Number(whole);
  if (!Number.isSafeInteger(number)) return scale === 0 ? whole : Number(`${whole}e${-scale}`);
  return scale >= 0 && scale <= MOST_EXACT ? number / 10 ** scale : Number(`${number}e${-scale}`);
}

/** In two's complement, the highest byte first. */
function wholeOf(bytes: Uint8Array): number | bigint {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length <= MOST_BYTES) return bytes.length === 0 ? 0 : buffer.readIntBE(0, bytes.length);
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${buffer.toString('hex')}`));
}

/** Takes the type from the DECIMAL columns of a file, or of a mapping in it. Answers what makes numbers of the values of columns in which there are any, by name. Those in lists stay as they are. */
export function takeDecimals({ children }: SchemaTree): ReadonlyMap<string, (value: unknown) => unknown> {
  return new Map(children.flatMap((child) => {
    const of = takeDecimal(child);
    return of === undefined ? [] : [[child.element.name, of]];
  }));
}

function takeDecimal(tree: SchemaTree): ((value: unknown) => unknown) | undefined {
  const { element } = tree;
  if (element.repetition_type === 'REPEATED') return undefined;
  const scale = scaleOf(element);
  if (scale !== undefined) {
    takeType(element);
    return (value) => decimalOf(value, scale);
  }
  const inner = [...takeDecimals(tree)];
  if (inner.length === 0) return undefined;
  return (value) => (typeof value === 'object' && value !== null ? { ...value, ...Object.fromEntries(inner.map(([name, of]) => [name, of((value as Record<string, unknown>)[name])])) } : value);
}
