import { once } from 'node:events';
import { createServer } from 'node:net';
import { AppError } from '../../core/base/errors.ts';
import type { Row } from '../../core/suites/model.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { RawAnswer, Subject, VersionState } from '../../core/suites/subject.ts';
import { sleep } from '../node/sleep.ts';
import { PredictorProcess } from './childProcess.ts';
import { HttpSubject } from './httpSubject.ts';

const START_TIMEOUT_MS = 180_000;

export interface ServedVersion {
  readonly model: string;
  readonly version: string;
  /** What MLflow calls its tracking URI. */
  readonly trackingUri: string;
  /** A Python that has MLflow and what the model needs. */
  readonly python: string;
  /** The script that serves until its stdin closes. */
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly content: SubjectContent;
}

/** A port of 127.0.0.1 that nothing listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new AppError('internal', 'The system gave no TCP port.');
  return address.port;
}

/** A version of the registry, served by `mlflow models serve` as long as it is asked: which version answers is known. */
export class RegistrySubject implements Subject {
  readonly name: string;
  readonly answerPath = '$.predictions[0]';
  readonly batchSize: number;
  readonly concurrency: number;
  readonly #served: ServedVersion;
  #process: PredictorProcess | undefined;
  #http: HttpSubject | undefined;

  constructor(served: ServedVersion) {
    this.#served = served;
    this.name = `${served.model} version ${served.version}`;
    const { batchSize, concurrency } = new HttpSubject('http://127.0.0.1', served.content);
    this.batchSize = batchSize;
    this.concurrency = concurrency;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { model, version, trackingUri, python, script, cwd, env, content } = this.#served;
    const port = await freePort();
    this.#process = await PredictorProcess.start({
      command: [python, script, '--model-uri', `models:/${model}/${version}`, '--env-manager', 'local', '--host', '127.0.0.1', '--port', String(port)],
      cwd, env: { ...env, MLFLOW_TRACKING_URI: trackingUri, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
    });
    this.#process.child.stdout.resume();
    this.#http = new HttpSubject(`http://127.0.0.1:${port}`, content);
    try {
      await this.#answering(`http://127.0.0.1:${port}/ping`, this.#process, signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #answering(url: string, server: PredictorProcess, signal: AbortSignal): Promise<void> {
    const stopped = new AbortController();
    const ended = server.ended.then((how) => { stopped.abort(); return how; });
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
      if (stopped.signal.aborted) throw new AppError('validation', `${this.name} cannot be served: ${await ended}`);
      if (Date.now() > deadline) throw new AppError('timeout', `${this.name} was not served within ${START_TIMEOUT_MS / 1000} s: ${server.tail}`);
      const isUp = await fetch(url, { signal: AbortSignal.any([AbortSignal.timeout(2000), signal, stopped.signal]) }).then(async (answer) => { await answer.arrayBuffer(); return answer.ok; }, () => false);
      if (isUp) return;
      await sleep(100, AbortSignal.any([signal, stopped.signal])).catch(() => undefined);
    }
  }

  predict(rows: readonly Row[], signal: AbortSignal): Promise<readonly RawAnswer[]> {
    if (this.#http === undefined) throw new AppError('internal', `${this.name} was asked before it was started.`);
    return this.#http.predict(rows, signal);
  }

  version(): VersionState {
    return { kind: 'established', version: this.#served.version, by: 'the registry' };
  }

  async close(): Promise<void> {
    await this.#http?.close();
    await this.#process?.stop(8000);
  }
}
