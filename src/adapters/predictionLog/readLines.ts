import type { RecordLike } from '../../core/expressions/evaluate.ts';
import type { Drawn } from '../../core/quality/stager.ts';
import { withoutNaN } from '../rows/lines.ts';
import { parsedLine } from '../rows/wholeNumbers.ts';
import type { LineReader } from './lineReader.ts';

/** Tells the value of each line from `from` to `to`, where it begins, and the how manyth it is from 0; undefined: no JSON. Answers how many lines there are. */
export function readLines(reader: LineReader, bytes: Buffer, from: number, to: number, told: (value: unknown, at: number, index: number) => void): number {
  reader.take(bytes);
  let index = 0;
  for (let at = from; at < to; at = reader.end, index += 1) {
    let value: unknown;
    try {
      value = reader.read(at);
    } catch {
      value = recovered(reader.line(at));
    }
    told(value, at, index);
  }
  return index;
}

/** The value of a line that `JSON.parse` refuses: with a byte order mark before it, or with NaN. */
function recovered(line: string): unknown {
  if (!line.startsWith('\ufeff')) return withoutNaN(line, parsedLine);
  try {
    return parsedLine(line.slice(1));
  } catch {
    return withoutNaN(line.slice(1), parsedLine);
  }
}

/** Who is told records. `index`: the how manyth line it is, from 0. */
export interface RecordListener {
  record(record: RecordLike, index: number, drawn: Drawn | undefined): void;
  malformed(index: number, reason: string): void;
}

/** Tells the records of lines, and what is none. Answers how many lines there are. */
export function readRecords(reader: LineReader, bytes: Buffer, from: number, to: number, listener: RecordListener): number {
  return readLines(reader, bytes, from, to, (value, at, index) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) listener.record(value as RecordLike, index, reader.isDrawn ? reader : undefined);
    else if (!/^\ufeff?\s*$/.test(reader.line(at))) listener.malformed(index, reasonOf(reader.line(at), value));
  });
}

/** Why a line is no record. A file that is one list, as JSON writers make it, begins with a bracket; one of columns has neither braces nor its tabs at the beginning, as traces of errors have. */
function reasonOf(line: string, value: unknown): string {
  if (/^\ufeff?\s*\[/.test(line)) return 'a list, where each line holds one record by itself';
  if (/^[^\t{]+\t[^\t{]+\t/.test(line)) return 'no valid JSON: columns are read from .csv, where commas separate them, not tabs';
  return value === undefined ? 'no valid JSON' : 'no mapping';
}
