/** What a thread does that stages parts of a prediction log, so that another one only has to count. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import { identityOf } from './files.ts';
import { LineReader } from './lineReader.ts';
import { readParquet } from './readParquet.ts';
import { readRecords } from './readLines.ts';
import { packRows } from './stagedRows.ts';
import { Staging } from './staging.ts';
import type { FromStaging, StagingData, ToStaging } from './stagingThreads.ts';
import { PADDING } from './tail.ts';
import { wantedBy } from './wanted.ts';

const ROWS = 4096;
/** Of what was sent and is not told: more would only take memory. */
const MOST_WAITING = 8;
const { section, flags, features, told: toldMemory } = workerData as StagingData;
const told = new Int32Array(toldMemory);
const { quality } = readQuality(section);
if (quality === undefined) throw new AppError('internal', 'quality: cannot be read.');
const wanted = wantedBy(quality, features);
const lines = new LineReader(wanted);
let id = 0;
let sent = 0;
/** What goes with the last message of a part. */
let end: Pick<FromStaging, 'over' | 'failure'> = {};

const staging = new Staging(quality, { flags, features }, ROWS, (batch, apart) => {
  const { rows, memory } = packRows(batch);
  parentPort?.postMessage({ id, rows, apart, ...end } satisfies FromStaging, memory);
  sent += 1;
  for (let known = Atomics.load(told, 0); sent - known > MOST_WAITING; known = Atomics.load(told, 0)) Atomics.wait(told, 0, known);
});

let file: { readonly path: string; readonly identity: string; readonly handle: number } | undefined;

function opened(path: string, identity: string): number {
  if (file?.path === path && file.identity === identity) return file.handle;
  if (file !== undefined) closeSync(file.handle);
  file = { path, identity, handle: openSync(path, 'r') };
  if (identityOf(fstatSync(file.handle)) !== identity) throw new AppError('internal', 'the file is another by now');
  return file.handle;
}

let bytes = Buffer.alloc(0);

function readRange(handle: number, from: number, to: number): number {
  const size = to - from;
  if (bytes.length < size + PADDING) bytes = Buffer.alloc(size + PADDING);
  for (let read = 0; read < size;) {
    const some = readSync(handle, bytes, read, size - read, from + read);
    if (some === 0) throw new AppError('internal', 'the file was cut while it was read');
    read += some;
  }
  return readRecords(lines, bytes, 0, size, { record: (record, index, drawn) => staging.add(record, index, drawn), malformed: (index, reason) => staging.malformed(index, reason) });
}

async function readPart({ path, identity, part }: ToStaging): Promise<Pick<FromStaging, 'over' | 'failure'>> {
  const handle = opened(path, identity);
  if (!('group' in part)) return { over: readRange(handle, part.from, part.to) };
  try {
    return { over: await readParquet(path, wanted, staging, new AbortController().signal, part.group) };
  } catch (error) {
    // Nothing comes after it, so nobody asks how many rows there were.
    return { over: 0, failure: toAppError(error).message };
  }
}

/** One part after another: a row group waits in between. */
let previous = Promise.resolve();
parentPort?.on('message', (message: ToStaging) => {
  previous = previous.then(async () => {
    id = message.id;
    end = {};
    end = await readPart(message);
    staging.close();
  });
});
