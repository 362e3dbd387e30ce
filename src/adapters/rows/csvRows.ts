import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { throwIfCancelled } from '../../core/base/errors.ts';
import { byLook } from '../../core/expressions/evaluate.ts';

const LARGEST_RECORD = 1024 * 1024;

/** What stands in a record is none of the reasons why it cannot be read. */
const VALUE = /, value is [^]*/;

export type CsvValue = string | number | boolean | null;

/** A field by its look; what a number would not give back, such as leading zeros and long ids, stays text. */
function valueOf(text: string): CsvValue {
  return text === '' ? null : byLook(text);
}

/**
 * The records of a CSV file, each field a number, true, false or text by its look, null when it is empty. A record that cannot be read is told to `skipped` with its line, and passed over.
 * @throws AppError cancelled; errors of the file system as they come
 */
export async function* csvRecords(path: string, skipped: (line: number, reason: string) => void, signal: AbortSignal): AsyncGenerator<{ readonly record: Readonly<Record<string, CsvValue>>; readonly line: number }> {
  const parser = createReadStream(path, { signal }).pipe(parse({
    columns: true, bom: true, skip_empty_lines: true, max_record_size: LARGEST_RECORD, info: true, skip_records_with_error: true,
    cast: (text, { header }) => (header ? text : valueOf(text)),
    on_skip: (error) => {
      skipped(typeof error?.['lines'] === 'number' ? error['lines'] : 0, error?.message.replace(VALUE, '') ?? 'the record cannot be read');
    },
  }));
  try {
    for await (const each of parser) {
      const { record, info } = each as { record: Record<string, CsvValue>; info: { lines: number } };
      yield { record, line: info.lines };
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
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
