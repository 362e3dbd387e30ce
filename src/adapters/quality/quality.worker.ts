import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import type { QualitySource } from '../../core/quality/window.ts';
import { openQualitySource } from './open.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './workerSource.ts';

const PROGRESS_MS = 100;
const { section, ...options } = workerData as WorkerOptions;
const reading = new Map<number, AbortController>();
let source: QualitySource | undefined;
/** One read after another: they share what was read before. */
let last: Promise<unknown> = Promise.resolve();

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function opened(): QualitySource {
  const { quality } = readQuality(section);
  if (quality === undefined) throw new AppError('validation', 'quality: cannot be read: see the problems of modelswitch.yaml.');
  return openQualitySource(quality, { ...options, fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}) });
}

async function read(id: number, now: number, signal: AbortSignal): Promise<void> {
  try {
    if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    source ??= opened();
    let told = 0;
    const onProgress = (done: number, total: number): void => {
      if (performance.now() - told < PROGRESS_MS) return;
      told = performance.now();
      send({ kind: 'progress', id, done, total });
    };
    send({ kind: 'data', id, data: await source.read({ now, signal, onProgress }) });
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
  last = last.then(() => read(message.id, message.now, controller.signal));
});
