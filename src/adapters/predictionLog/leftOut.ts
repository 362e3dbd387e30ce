import { open } from 'node:fs/promises';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';

/** How many names are told of one reason. */
const MOST_NAMED = 3;
const PACKED = 'Only what is unpacked is read: unpack, or narrow the pattern';
const WIDE = 'Lines are read in UTF-8 only: write in that';

/** By the first bytes of a file, what it is that it cannot be read as lines. */
const SIGNATURES: readonly (readonly [bytes: readonly number[], what: string, mend: string])[] = [
  [[0x1f, 0x8b], 'compressed (gzip)', PACKED],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed (Zstandard)', PACKED],
  [[0x42, 0x5a, 0x68], 'compressed (bzip2)', PACKED],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'compressed (xz)', PACKED],
  [[0x04, 0x22, 0x4d, 0x18], 'compressed (LZ4)', PACKED],
  [[0x50, 0x4b, 0x03, 0x04], 'compressed (ZIP)', PACKED],
  [[0xff, 0xfe], 'in UTF-16', WIDE],
  [[0xfe, 0xff], 'in UTF-16', WIDE],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file', 'Its name must end in .parquet'],
];

/** What a file is that cannot be read as lines, with the mend; undefined: it can. @throws errors of the file system */
export async function unreadableAs(path: string): Promise<{ readonly what: string; readonly mend: string } | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const [, what, mend] = SIGNATURES.find(([bytes]) => bytesRead >= bytes.length && bytes.every((byte, index) => buffer[index] === byte)) ?? [];
    return what === undefined || mend === undefined ? undefined : { what, mend };
  } finally {
    await file.close();
  }
}

/** Some names of files, and how many there are. */
export function namesOf(names: readonly string[]): string {
  return `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? `, ... (${names.length} files)` : ''}`;
}

/** Files that are left out as a whole: of each reason one sentence, however many they are. */
export class LeftOut {
  readonly #names = new Map<string, { readonly what: string; readonly mend: string; readonly names: string[] }>();

  add(name: string, what: string, mend: string): void {
    const known = this.#names.get(what) ?? { what, mend, names: [] };
    known.names.push(name);
    this.#names.set(what, known);
  }

  get messages(): readonly string[] {
    return [...this.#names.values()].map(({ what, mend, names }) => `${namesOf(names)} ${names.length === 1 ? 'is' : 'are'} ${what} and left out. ${mend}.`);
  }
}

/**
 * Refuses a CSV file whose first line names none of the fields by which records are known: line by line that would be said of each.
 * @throws AppError validation
 */
export function checkHeader(names: readonly string[]): void {
  if (names.includes('assigned_arm') || names.includes('request_id')) return;
  const only = names.length === 1 ? names[0] ?? '' : '';
  const separator = [';', '\t', '|'].find((each) => only.includes(each));
  const mend = separator !== undefined ? `columns are separated by commas, not by ${separator === '\t' ? 'tabs' : JSON.stringify(separator)}`
    : names.some((name) => ['assigned_arm', 'request_id'].includes(name.trim().toLowerCase())) ? 'names are written in small letters, without blanks' : 'the first line names the columns';
  throw new AppError('validation', `the first line (${plainLine(names.join(','), 40)}) names neither assigned_arm nor request_id, so the file is left out: ${mend}.`);
}

/** What is said of files in which there is no record. */
export function emptyMessages(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${namesOf(names)} ${names.length === 1 ? 'has' : 'have'} no record.`];
}
