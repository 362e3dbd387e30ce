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

/** Of what was sent and is not told: more would only take memory. */
const MOST_WAITING = 8;
const { section, flags, features, told: toldMemory } = workerData as StagingData;
const told = new Int32Array(toldMemory);
const { quality } = readQuality(section);
if (quality === undefined) throw new AppError('internal', 'quality: cannot be read.');
const wanted = wantedBy(quality, features);
let id = 0;
let sent = 0;
/** What goes with the last message of a part. */
let end: Pick<FromStaging, 'over' | 'failure'> = {};

const stager = new Stager(quality, { flags, features }, { most: stagedRows(features), memory: (bytes) => new SharedArrayBuffer(bytes) });
/** One after another is filled while the others are told. */
const batches = [stager.batch, ...Array.from({ length: MOST_WAITING }, () => stager.another())];

const staging = new Staging(stager, (rows, apart) => {
  parentPort?.postMessage({ id, rows, apart, ...end } satisfies FromStaging);
  sent += 1;
  for (let known = Atomics.load(told, 0); sent - known > MOST_WAITING; known = Atomics.load(told, 0)) Atomics.wait(told, 0, known);
  return batches[sent % batches.length] ?? rows;
});

const ranges = new RangeStaging(wanted, staging);

async function readPart({ path, identity, part }: ToStaging): Promise<Pick<FromStaging, 'over' | 'failure'>> {
  if (!('group' in part)) return { over: ranges.stage({ path, identity }, part) };
  ranges.open({ path, identity });
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
