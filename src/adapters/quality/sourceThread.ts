/** What a thread does that reads a source: it keeps what it has read. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { readQuality } from '../../core/quality/definitions.ts';
import type { SkewReport } from '../../core/quality/skew.ts';
import type { QualitySource } from '../../core/quality/window.ts';
import { codeVersion } from '../node/diskCache.ts';
import { useGroups } from '../node/processGroups.ts';
import { SAVED_LOG_FORMAT } from '../predictionLog/savedLog.ts';
import { openQualitySource } from './open.ts';
import { prepareReference, withReference, type PreparedReference } from './reference.ts';
import { checkSkew } from './skew.ts';
import type { FromWorker, ToWorker, WorkerData } from './workerSource.ts';

const PROGRESS_MS = 100;
const { section, credentials, withDrift, training, cacheFolder, script, groups, ...options } = workerData as WorkerData;
useGroups(groups);
const reading = new Map<number, AbortController>();
let source: QualitySource | undefined;
/** One read after another: they share what was read before. */
let previous: Promise<unknown> = Promise.resolve();

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

let prepared: PreparedReference = { messages: [] };

async function opened(signal: AbortSignal): Promise<QualitySource> {
  const { quality } = readQuality(section);
  if (quality === undefined) throw new AppError('validation', 'quality: cannot be read: see the problems of modelswitch.yaml.');
  const { features } = quality.drift;
  if (withDrift === true) {
    prepared = await prepareReference(quality, options.folder, training, signal).catch((error: unknown): PreparedReference => {
      const { code, message } = toAppError(error);
      if (code === 'cancelled') throw error;
      // It keeps nothing else from being told.
      return { messages: [`Drift has no reference: ${message}`] };
    });
  }
  return openQualitySource(quality, {
    ...options, ...(features === undefined ? {} : { features }), ...prepared.bins,
    ...(cacheFolder === undefined ? {} : { cache: { folder: cacheFolder, version: codeVersion(SAVED_LOG_FORMAT, script) } }),
    fetch: (url, init) => fetch(url, init), credentialsFor: (origin) => (origin === credentials?.origin ? credentials.headers : {}),
  });
}

function skewed(now: number, signal: AbortSignal): Promise<SkewReport> {
  const { quality } = readQuality(section);
  if (quality === undefined) throw new AppError('validation', 'quality: cannot be read: see the problems of modelswitch.yaml.');
  return checkSkew(quality, { folder: options.folder, flags: options.flags, environment: options.environment === '' ? undefined : options.environment, now }, signal);
}

async function answer({ kind, id, now, since, from }: Exclude<ToWorker, { kind: 'cancel' }>, signal: AbortSignal): Promise<void> {
  try {
    if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    if (kind === 'skew') {
      send({ kind: 'skew', id, report: await skewed(now, signal) });
      return;
    }
    source ??= await opened(signal);
    let last = 0;
    const onProgress = (done: number, total: number): void => {
      if (performance.now() - last < PROGRESS_MS) return;
      last = performance.now();
      send({ kind: 'progress', id, done, total });
    };
    send({ kind: 'data', id, data: withReference(await source.read({ now, since, from, signal, onProgress }), prepared) });
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
  previous = previous.then(() => answer(message, controller.signal));
});
