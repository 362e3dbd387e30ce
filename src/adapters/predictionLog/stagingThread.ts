/** What a thread does that stages parts of a prediction log, so that another one only has to count. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import { Stager } from '../../core/quality/stager.ts';
import { RangeStaging } from './rangeStaging.ts';
import { readParquet } from './readParquet.ts';
import { stagedRows, Staging } from './staging.ts';
import type { FromStaging, StagingData, ToStaging } from './stagingThreads.ts';
import { wantedBy } from './wanted.ts';

/** Batches that were sent and are not told: so many that there is something to count while a row group is begun, of which pages of all columns are to be read first; more would only take memory. */
const [LEAST_WAITING, MOST_WAITING, WAITING_BYTES] = [8, 64, 32 * 1024 * 1024];
const { section, flags, features, told: toldMemory } = workerData as StagingData;
const told = new Int32Array(toldMemory);
const { quality } = readQuality(section);
if (quality === undefined) throw new AppError('internal', 'quality: cannot be read.');
const wanted = wantedBy(quality, features);
let id = 0;
let sent = 0;
/** What goes with the last message of a part. */
let end: Pick<FromStaging, 'over' | 'failure'> = {};

let taken = 0;
const stager = new Stager(quality, { flags, features }, { most: stagedRows(features), memory: (bytes) => { taken += bytes; return new SharedArrayBuffer(bytes); } });
/** Where features are not named, nobody knows how large a batch will be. */
const waiting = features === undefined ? LEAST_WAITING : Math.max(LEAST_WAITING, Math.min(MOST_WAITING, Math.floor(WAITING_BYTES / taken)));
/** One after another is filled while the others are told. */
const batches = [stager.batch, ...Array.from({ length: waiting }, () => stager.another())];

const staging = new Staging(stager, (rows, apart) => {
  parentPort?.postMessage({ id, rows, apart, ...end } satisfies FromStaging);
  sent += 1;
  for (let known = Atomics.load(told, 0); sent - known > waiting; known = Atomics.load(told, 0)) Atomics.wait(told, 0, known);
  return batches[sent % batches.length] ?? rows;
});

const ranges = new RangeStaging(wanted, staging);

async function readPart({ path, identity, part }: ToStaging): Promise<Pick<FromStaging, 'over' | 'failure'>> {
  if (!('group' in part)) return { over: ranges.stage({ path, identity }, part) };
  ranges.open({ path, identity });
  try {
    return { over: await readParquet(path, wanted, staging, new AbortController().signal, { group: part.group }) };
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
