import type * as vscode from 'vscode';
import type { FoundTrainingData } from '../../adapters/quality/reference.ts';
import { WorkerSource, type WorkerOptions } from '../../adapters/quality/workerSource.ts';
import type { Clock } from '../../core/base/clock.ts';
import { AppError, toAppError } from '../../core/base/errors.ts';
import type { Disposable } from '../../core/base/events.ts';
import { compareArms, type ComparisonReport } from '../../core/quality/comparison.ts';
import type { DriftReferenceTarget, QualityDefinition } from '../../core/quality/definitions.ts';
import { countedFrom } from '../../core/releases/allocation.ts';
import { evidenceSince, shareOf, type ReleaseHistory } from '../../core/quality/productionShare.ts';
import type { SkewReport } from '../../core/quality/skew.ts';
import type { QualityData, QualityRequest } from '../../core/quality/window.ts';
import { recordScope } from '../../core/releases/armVariants.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';

/** A model of a workspace folder whose `quality:` can be read. */
export interface QualitySubject {
  readonly folder: vscode.WorkspaceFolder;
  readonly model: ModelMapping;
  readonly definition: QualityDefinition;
  /** The environment that the folder names first. */
  readonly environment: string;
}

/** What is known of a model in production at one moment; nothing in it changes. */
export interface QualityReading extends QualitySubject {
  /** Undefined before the first reading succeeded; after a failure still what was read before. */
  readonly data: QualityData | undefined;
  /** When `data` was read, in milliseconds since 1970. */
  readonly readAt: number | undefined;
  /** Why the last reading failed. */
  readonly error: AppError | undefined;
  /** What is wrong with the file that names the source, which is read as it was named before. */
  readonly wrong: AppError | undefined;
  readonly loading: boolean;
  /** The arms in the first environment, without slices. */
  readonly report: ComparisonReport | undefined;
  /** What Unleash's event log tells of the first environment; undefined while nobody is connected. */
  readonly history: ReleaseHistory | undefined;
  /** What the last check of feature skew found, and when it was made. */
  readonly skew: { readonly report: SkewReport; readonly at: number } | undefined;
}

/** What a reader is given. */
export interface ReaderParts {
  /** The worker's file. */
  readonly script: string;
  /** Where what was counted of a log is kept; without it nowhere. */
  readonly cacheFolder?: string;
  readonly clock: Clock;
  /** Headers for an origin. */
  readonly headers: (origin: string) => Promise<Readonly<Record<string, string>>>;
  /** What the event log tells of an environment. */
  readonly history: (subject: QualitySubject, environment: string) => Promise<ReleaseHistory | undefined>;
  /** The training data of a version, asked of the registry. Never rejects. */
  readonly training: (subject: QualitySubject, target: Extract<DriftReferenceTarget, { kind: 'training' }>) => Promise<FoundTrainingData>;
  readonly mayRead: () => boolean;
}

/** How far back a source is asked. */
export type Back = Pick<QualityRequest, 'since' | 'from'>;

/** Reads one model's source, in a thread that keeps what it has read; one reading at a time. */
export class QualityReader implements Disposable {
  readonly #parts: ReaderParts;
  readonly #changed: () => void;
  #reading: QualityReading;
  #source: WorkerSource | undefined;
  /** What the thread was started with, beside what a reader keeps for its life. */
  #opening = '';
  #running: Promise<void> | undefined;
  /** What the reading that runs was asked. */
  #back: Back | undefined;
  #abort = new AbortController();
  #disposed = false;
  readonly #progress = new Set<(done: number, total: number) => void>();

  constructor(subject: QualitySubject, parts: ReaderParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#reading = { ...subject, data: undefined, readAt: undefined, error: undefined, wrong: undefined, loading: false, report: undefined, history: undefined, skew: undefined };
  }

  get reading(): QualityReading {
    return this.#reading;
  }

  /** Another mapping of the same section: what was read stays. */
  follow(subject: QualitySubject): void {
    this.#reading = { ...this.#reading, ...subject };
    this.hold(undefined);
  }

  /** The file that names the source has an error: it goes on being read as it was named before, and that is told. Undefined: the file is right again. */
  hold(wrong: AppError | undefined): void {
    if (wrong?.message !== this.#reading.wrong?.message) this.#set({ wrong });
  }

  /**
   * Reads what is new; who asks meanwhile gets the reading that runs, unless it is asked of less or more. It never rejects: why it failed is in the reading.
   *
   * @param back how far back the source is to tell; where it is not said, as far as the event log of the first environment says
   */
  refresh(onProgress?: (done: number, total: number) => void, back?: Back): Promise<void> {
    if (this.#running !== undefined && back !== undefined && (back.since !== this.#back?.since || back.from !== this.#back?.from)) return this.#running.then(() => this.refresh(onProgress, back));
    if (onProgress !== undefined) this.#progress.add(onProgress);
    if (this.#running === undefined) this.#back = back;
    this.#running ??= this.#refresh().finally(() => {
      this.#running = undefined;
      this.#progress.clear();
    });
    return this.#running;
  }

  /** Ends the reading that runs; what was read before stays. */
  cancel(): void {
    this.#abort.abort();
  }

  dispose(): void {
    this.#disposed = true;
    this.#abort.abort();
    this.#source?.dispose();
  }

  async #refresh(): Promise<void> {
    if (this.#disposed || !this.#parts.mayRead()) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#set({ loading: true });
    try {
      const source = await this.#opened();
      const now = this.#parts.clock.now();
      const history = await this.#parts.history(this.#reading, this.#reading.environment);
      const data = await source.read({ now, ...(this.#back ?? { since: history === undefined ? undefined : countedFrom(history.since) }), signal, onProgress: (done, total) => this.#progress.forEach((tell) => tell(done, total)) });
      this.#set({ data, readAt: now, error: undefined, loading: false, history, report: reportOf(this.#reading, data, this.#reading.environment, history, { now }) });
    } catch (thrown) {
      const error = toAppError(thrown);
      this.#set({ loading: false, ...(error.code === 'cancelled' ? {} : { error }) });
    }
  }

  /** Has the command of `skew:` recompute the features of logged requests: it runs a program. @throws AppError cancelled, too, in an untrusted workspace */
  async checkSkew(signal: AbortSignal): Promise<void> {
    const at = this.#parts.clock.now();
    const report = await (await this.#opened()).skew({ now: at, signal });
    this.#set({ skew: { report, at } });
  }

  /** The thread, started anew when another token is to be used, other training data, or when other records are the model's. @throws AppError */
  async #opened(): Promise<WorkerSource> {
    const { definition, folder, model, environment } = this.#reading;
    const training = definition.drift.reference?.kind === 'training' ? await this.#parts.training(this.#reading, definition.drift.reference) : undefined;
    const { cacheFolder } = this.#parts;
    const options: WorkerOptions = {
      ...(cacheFolder === undefined ? {} : { cacheFolder }),
      section: definition.section, folder: folder.uri.fsPath, environment, withDrift: true, ...(training === undefined ? {} : { training }),
      ...recordScope(model),
    };
    const url = definition.source?.kind === 'prometheus' ? URL.parse(definition.source.prometheus.url) : null;
    const credentials = url === null ? undefined : { origin: url.origin, headers: await this.#parts.headers(url.origin) };
    if (this.#disposed || !this.#parts.mayRead()) throw new AppError('cancelled', 'Cancelled.');
    const opening = JSON.stringify([credentials, training, options.flags, options.roles]);
    if (this.#source === undefined || opening !== this.#opening) {
      this.#source?.dispose();
      this.#source = new WorkerSource(this.#parts.script, { ...options, ...(credentials === undefined ? {} : { credentials }) });
      this.#opening = opening;
    }
    return this.#source;
  }

  #set(change: Partial<QualityReading>): void {
    if (this.#disposed) return;
    this.#reading = { ...this.#reading, ...change };
    this.#changed();
  }
}

/** So many logs are read at a time. Each of them has threads of its own to parse it: all at once would take the machine from whoever works at it, and would be no sooner done. */
const LOGS_AT_ONCE = 2;

/** Reads several sources: logs one after the other, the others, which mostly wait for somebody else, all at once. Never rejects. */
export async function refreshAll(readers: readonly Pick<QualityReader, 'reading' | 'refresh'>[], ...how: Parameters<QualityReader['refresh']>): Promise<void> {
  const isLog = ({ reading }: Pick<QualityReader, 'reading'>): boolean => reading.definition.source?.kind === 'log';
  const logs = readers.filter(isLog);
  const next = async (): Promise<void> => {
    for (let reader = logs.shift(); reader !== undefined; reader = logs.shift()) await reader.refresh(...how);
  };
  await Promise.all([...readers.filter((reader) => !isLog(reader)).map((reader) => reader.refresh(...how)), ...Array.from({ length: LOGS_AT_ONCE }, next)]);
}

/** The comparison in one environment, since evidence counts. Slices are only compared `withSlices`. */
export function reportOf({ definition }: Pick<QualitySubject, 'definition'>, data: QualityData, environment: string, history: ReleaseHistory | undefined, { now, withSlices = false }: { readonly now: number; readonly withSlices?: boolean }): ComparisonReport {
  const shown = withSlices ? data : { ...data, windows: data.windows.filter(({ slice }) => slice === undefined) };
  return compareArms(shown, definition, environment, { shareAt: shareOf(history), unchecked: history?.unchecked, since: countedFrom(evidenceSince(data, environment, history)), now });
}
