import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AppError } from '../../core/base/errors.ts';
import { identityOf, type FoundFile } from './files.ts';
import { LineReader } from './lineReader.ts';
import type { Wanted } from './lineShape.ts';
import { readRecords } from './readLines.ts';
import type { Staging } from './staging.ts';
import { PADDING } from './tail.ts';

/** Stages ranges of lines of log files, of which it holds the last one open. */
export class RangeStaging {
  readonly #lines: LineReader;
  readonly #staging: Staging;
  #bytes = Buffer.alloc(0);
  #file: { readonly path: string; readonly identity: string; readonly handle: number } | undefined;

  constructor(wanted: Wanted, staging: Staging) {
    this.#lines = new LineReader(wanted);
    this.#staging = staging;
  }

  /** @throws AppError internal when it is another file by now; errors of the file system */
  open({ path, identity }: Pick<FoundFile, 'path' | 'identity'>): number {
    if (this.#file?.path === path && this.#file.identity === identity) return this.#file.handle;
    this.close();
    const handle = openSync(path, 'r');
    this.#file = { path, identity: identityOf(fstatSync(handle, { bigint: true })), handle };
    if (this.#file.identity !== identity) throw new AppError('internal', 'the file is another by now');
    return handle;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.handle);
    this.#file = undefined;
  }

  /** Stages whole lines from a byte to another. Answers how many there are. @throws as `open`, and AppError internal when the file is shorter */
  stage(file: Pick<FoundFile, 'path' | 'identity'>, { from, to }: { readonly from: number; readonly to: number }): number {
    const handle = this.open(file);
    const size = to - from;
    if (this.#bytes.length < size + PADDING) this.#bytes = Buffer.alloc(size + PADDING);
    const bytes = this.#bytes;
    for (let read = 0; read < size;) {
      const some = readSync(handle, bytes, read, size - read, from + read);
      if (some === 0) throw new AppError('internal', 'the file was cut while it was read');
      read += some;
    }
    return readRecords(this.#lines, bytes, 0, size, { record: (record, index, drawn) => this.#staging.add(record, index, drawn), malformed: (index, reason) => this.#staging.malformed(index, reason) });
  }
}
