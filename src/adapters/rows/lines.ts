import { AppError } from '../../core/base/errors.ts';
import { replacedInJson } from './wholeNumbers.ts';

const LINE_END = 10;

/**
 * The lines of a byte stream in UTF-8, without their ends; an empty last one is left out.
 * @throws AppError validation when a line has more than `largest` bytes: it is not held
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, largest: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      yield textOf([...parts, chunk.subarray(start, end)]);
      parts = [];
      size = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > largest) throw new AppError('validation', `A line has more than ${Math.round(largest / 1024 / 1024)} MB: it was dropped.`, { reason: 'tooLarge' });
  }
  if (size > 0) yield textOf(parts);
}

function textOf(parts: readonly Uint8Array[]): string {
  const [first] = parts;
  const text = Buffer.from(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)).toString('utf8');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

/** The value of a line in which NaN or an infinity stands where a value does: there it has an infinity. Undefined when that is not what is wrong with it. `parse` reads the rest. */
export function withoutNaN(line: string, parse: (line: string) => unknown = JSON.parse): unknown {
  if (!/NaN|Infinity/.test(line)) return undefined;
  try {
    // JSON has numbers that are too large for any.
    return parse(replacedInJson(line, /-?(?:NaN|Infinity)\b/, () => '1e999'));
  } catch {
    return undefined;
  }
}
