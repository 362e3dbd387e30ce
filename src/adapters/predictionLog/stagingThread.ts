/** Reads parts of a prediction log and stages their records, so that another thread only has to count. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import type { RecordLike } from '../../core/expressions/evaluate.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import { Stager, type Drawn } from '../../core/quality/stager.ts';
import { identityOf } from './files.ts';
import { LineReader } from './lineReader.ts';
import { readParquet } from './readParquet.ts';
import { readRecords } from './readLines.ts';
import { packRows, type PackedApart, type Staged } from './stagedRows.ts';
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
const stager = new Stager(quality, { flags, features }, ROWS);
const wanted = wantedBy(quality, features);
const lines = new LineReader(wanted);
let apart: PackedApart[] = [];
let id = 0;
let sent = 0;

function add(record: RecordLike, index: number, drawn: Drawn | undefined): void {
  if (stager.isFull) send({});
  if (stager.stage(record, drawn)) return;
  const ids = drawn === undefined ? undefined : { features: undefined, request: drawn.request, unit: drawn.unit, time: drawn.time, id: drawn.requestId() };
  // The reader may use it again.
  apart.push({ row: stager.batch.size, index, record: structuredClone(record), drawn: ids, reason: '' });
}

function malformed(index: number, reason: string): void {
  apart.push({ row: stager.batch.size, index, record: undefined, drawn: undefined, reason });
}

/** Sends what was staged. */
function send(end: Pick<FromStaging, 'over' | 'failure'>): void {
  const { rows, memory } = packRows(stager.batch);
  parentPort?.postMessage({ id, staged: [{ rows, apart } satisfies Staged], ...end } satisfies FromStaging, memory);
  apart = [];
  stager.batch.clear();
  sent += 1;
  for (let known = Atomics.load(told, 0); sent - known > MOST_WAITING; known = Atomics.load(told, 0)) Atomics.wait(told, 0, known);
}

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
  return readRecords(lines, bytes, 0, size, { record: add, malformed });
}

async function readGroup(path: string, group: number): Promise<void> {
  let count = 0;
  try {
    await readParquet(path, wanted, (record, row, drawn) => {
      count = row + 1;
      add(record, row, drawn);
    }, new AbortController().signal, group);
  } catch (error) {
    send({ over: count, failure: toAppError(error).message });
    return;
  }
  send({ over: count });
}

/** One part after another: a row group waits in between. */
let previous = Promise.resolve();
parentPort?.on('message', (message: ToStaging) => {
  previous = previous.then(async () => {
    id = message.id;
    const handle = opened(message.path, message.identity);
    if ('group' in message.part) await readGroup(message.path, message.part.group);
    else send({ over: readRange(handle, message.part.from, message.part.to) });
  });
});
