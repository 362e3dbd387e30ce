import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import type { DriftReference, QualityData, QualitySource } from '../../core/quality/window.ts';
import { openQualitySource } from './open.ts';
import { readReference } from './reference.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './workerSource.ts';

const PROGRESS_MS = 100;
const { section, credentials, withReference, ...options } = workerData as WorkerOptions;
const reading = new Map<number, AbortController>();
let source: QualitySource | undefined;
/** One read after another: they share what was read before. */
let previous: Promise<unknown> = Promise.resolve();

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

/** What drift is measured against; a sentence instead where it cannot be read, which keeps nothing else from being told. */
let reference: DriftReference | undefined;
let withoutReference: string | undefined;

async function opened(signal: AbortSignal): Promise<QualitySource> {
  const { quality } = readQuality(section);
  if (quality === undefined) throw new AppError('validation', 'quality: cannot be read: see the problems of modelswitch.yaml.');
  const { reference: path, features } = quality.drift;
  let edges = options.edges;
  if (withReference === true && quality.source?.kind === 'log' && path !== undefined) {
    try {
      const found = await readReference(options.folder, path, features, signal);
      reference = { path, rows: found.rows, samples: found.samples };
      edges = found.edges;
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code === 'cancelled') throw error;
      withoutReference = `Drift has no reference: ${message}`;
    }
  }
  return openQualitySource(quality, {
    ...options, ...(features === undefined ? {} : { features }), ...(edges === undefined ? {} : { edges }),
    fetch: (url, init) => fetch(url, init), credentialsFor: (origin) => (origin === credentials?.origin ? credentials.headers : {}),
  });
}

function told(data: QualityData): QualityData {
  const { notes } = data;
  return {
    ...data,
    ...(reference === undefined ? {} : { reference }),
    ...(withoutReference === undefined ? {} : { notes: { ...notes, messages: [...notes.messages, withoutReference] } }),
  };
}

async function read(id: number, now: number, signal: AbortSignal): Promise<void> {
  try {
    if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    source ??= await opened(signal);
    let last = 0;
    const onProgress = (done: number, total: number): void => {
      if (performance.now() - last < PROGRESS_MS) return;
      last = performance.now();
      send({ kind: 'progress', id, done, total });
    };
    send({ kind: 'data', id, data: told(await source.read({ now, signal, onProgress })) });
  } catch (error) {
    const { code, message } = toAppError(error);
    send({ kind: 'failed', id, code, message });
  } finally {
    reading.delete(id);
  }
}

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'cancel') {
    reading.get(message.id)?.abort();
    return;
  }
  const controller = new AbortController();
  reading.set(message.id, controller);
  previous = previous.then(() => read(message.id, message.now, controller.signal));
});
