import { createReadStream } from 'node:fs';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import { byLook } from '../../core/expressions/evaluate.ts';
import { csvFields } from './csvText.ts';
import { nearestNumber } from './wholeNumbers.ts';

/** Characters of a record, and lines of one whose fields have several, in a log. */
const IN_LOG = { largest: 1024 * 1024, lines: 1000 };
const NOT_CLOSED = 'a quote is opened and not closed';

export type CsvValue = string | number | boolean | null;

/** Columns of ids and versions, which tools that know no whole numbers with gaps write as `13.0`. */
const NUMBERED: ReadonlySet<string> = new Set(['request_id', 'unit_id', 'batch_id', 'model_version']);
const NAMES: ReadonlySet<string> = new Set([...NUMBERED, 'assigned_arm', 'app_version', 'flag', 'environment', 'service', 'role']);

/** A field by its look; what a number would not give back, such as leading zeros and long ids, stays text. So do names: `1.10`, `12e4`, `+5` and `true` are no others than they are in a log with types. */
function valueOf(name: string, text: string): CsvValue {
  if (text === '') return null;
  const value = byLook(text);
  if (NAMES.has(name)) return typeof value === 'number' && (String(value) === text || (NUMBERED.has(name) && `${value}.0` === text)) ? value : text;
  return name.startsWith('features.') ? nearestNumber(value) : value;
}

interface CsvRecord<T> {
  readonly record: Readonly<Record<string, T>>;
  readonly line: number;
}

/** Of characters of a record, and of its lines. */
export interface CsvLimits {
  readonly largest: number;
  readonly lines: number;
}

/** Makes records of lines. A quote that is opened and not closed costs its line only: the next one is begun with again. */
class CsvLines {
  readonly #skipped: (line: number, reason: string) => void;
  readonly #most: CsvLimits;
  #names: readonly string[] | undefined;
  /** The lines that are not read yet, and the number of the first. */
  #waiting: string[] = [];
  #first = 1;
  /** How many of them are one record, in which a quote is open, and how many characters those have. */
  #joined = 0;
  #size = 0;

  constructor(skipped: (line: number, reason: string) => void, most: CsvLimits) {
    this.#skipped = skipped;
    this.#most = most;
  }

  /** The records that are whole with some more lines; without any: that are left at the end. */
  *records(lines?: readonly string[]): Generator<CsvRecord<string>> {
    this.#waiting.push(...lines ?? []);
    let at = 0;
    while (at < this.#waiting.length) {
      const taken = this.#read(at, lines === undefined);
      if (taken === undefined) break;
      if (taken.record !== undefined) yield { record: taken.record, line: this.#first + at };
      at += taken.lines;
    }
    this.#waiting = this.#waiting.slice(at);
    this.#first += at;
  }

  /** What the lines from a place on begin with, and how many lines that takes; undefined: more are needed to say. */
  #read(at: number, isEnd: boolean): { readonly lines: number; readonly record?: CsvRecord<string>['record'] } | undefined {
    const [waiting, names] = [this.#waiting, this.#names];
    const skip = (reason: string): { readonly lines: number } => {
      if (names === undefined) throw new AppError('validation', `The header of the CSV file (line ${this.#first + at}) cannot be read: ${reason}.`, { reason: 'header' });
      this.#skipped(this.#first + at, reason);
      [this.#joined, this.#size] = [0, 0];
      return { lines: 1 };
    };
    for (let end = at + Math.max(1, this.#joined); ; end += 1) {
      if (end > waiting.length) return isEnd ? skip(NOT_CLOSED) : undefined;
      const last = waiting[end - 1] ?? '';
      const isOne = end - at === 1;
      if (isOne && last.trim() === '') return { lines: 1 };
      if (isOne && last.length > this.#most.largest) return skip(`the line is longer than ${Math.round(this.#most.largest / 1024 / 1024)} MB`);
      this.#size += last.length;
      if (end - at > this.#most.lines || this.#size > this.#most.largest) return skip(NOT_CLOSED);
      // Within an open quote only another one changes something.
      const found = isOne || last.includes('"') ? csvFields(isOne ? last : waiting.slice(at, end).join('\n')) : 'open';
      if (found === 'open') {
        this.#joined = end - at + 1;
        continue;
      }
      if ('reason' in found) return skip(isOne ? found.reason : NOT_CLOSED);
      if (names !== undefined && found.fields.length !== names.length) return skip(isOne ? `${found.fields.length} ${found.fields.length === 1 ? 'field' : 'fields'}, where the header has ${names.length}` : NOT_CLOSED);
      [this.#joined, this.#size] = [0, 0];
      const twice = names === undefined ? found.fields.find((name, index) => name !== '' && found.fields.indexOf(name) !== index) : undefined;
      if (twice !== undefined) skip(`it names ${twice} twice`);
      if (names === undefined && isOne && last.includes('\r')) skip('lines end in CR alone, as old tools write them; save the file with line feeds');
      if (names === undefined) this.#names = found.fields;
      return { lines: end - at, ...(names === undefined ? {} : { record: Object.fromEntries(names.map((name, index) => [name, found.fields[index] ?? ''])) }) };
    }
  }
}

/**
 * The records of a CSV file, each field a number, true, false or text by its look, a name as it is written, null when it is empty. A record that cannot be read is told to `skipped` with its line, and passed over.
 *
 * @param progress told how many bytes more were read
 * @throws AppError cancelled, validation when the header cannot be read; errors of the file system as they come
 */
export async function* csvRecords(path: string, skipped: (line: number, reason: string) => void, signal: AbortSignal, progress?: (bytes: number) => void): AsyncGenerator<CsvRecord<CsvValue>> {
  const told = (line: number, reason: string): void => skipped(line, reason === NOT_CLOSED ? `${reason}: this line is left out, the next one is read by itself` : reason);
  for await (const { record, line } of csvTexts(path, told, IN_LOG, signal, progress)) {
    yield { record: Object.fromEntries(Object.entries(record).map(([name, text]) => [name, valueOf(name, text)])), line };
  }
}

/** `csvRecords`, each field the text that it is. */
export async function* csvTexts(path: string, skipped: (line: number, reason: string) => void, most: CsvLimits, signal: AbortSignal, progress: (bytes: number) => void = () => undefined): AsyncGenerator<CsvRecord<string>> {
  const reader = new CsvLines(skipped, most);
  let [rest, isFirst, bytesRead] = ['', true, 0];
  try {
    const stream = createReadStream(path, { signal, encoding: 'utf8', highWaterMark: 256 * 1024 });
    for await (const chunk of stream) {
      const text = String(chunk);
      progress(stream.bytesRead - bytesRead);
      ({ bytesRead } = stream);
      const lines = `${rest}${isFirst ? text.replace(/^\ufeff/, '') : text}`.split('\n');
      isFirst = false;
      // Of a line that is too long only that is kept.
      rest = (lines.pop() ?? '').slice(0, most.largest + 1);
      yield* reader.records(lines.map(withoutReturn));
    }
    if (rest !== '') yield* reader.records([withoutReturn(rest)]);
    yield* reader.records();
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Columns such as `features.amount` as fields of `features`. */
export function nested(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    const dot = key.indexOf('.');
    if (dot <= 0) {
      result[key] = value;
      continue;
    }
    const [outer, inner] = [key.slice(0, dot), key.slice(dot + 1)];
    const known = result[outer];
    const fields = typeof known === 'object' && known !== null ? known as Record<string, unknown> : {};
    fields[inner] = value;
    result[outer] = fields;
  }
  return result;
}
