import * as vscode from 'vscode';
import type { Clock } from '../../core/base/clock.ts';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { roleName } from '../../core/models/mapping.ts';
import type { VersionDetail } from '../../core/models/model.ts';
import type { FoundTrainingData } from '../../adapters/quality/reference.ts';
import { releaseTimeline, type ReleaseTimeline } from '../../core/releases/releaseTimeline.ts';
import { describeRollout } from '../../core/flags/rollout.ts';
import { shadowFlagOf } from '../../core/flags/shadowFlag.ts';
import type { HistoryReading } from '../../core/flags/timeline.ts';
import { trainingData } from '../../core/quality/trainingData.ts';
import { releaseHistory, type ReleaseHistory } from '../../core/quality/productionShare.ts';
import { hindering } from '../../core/workspace/concerning.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { flagFacts, rolloutIn } from '../flags/facts.ts';
import type { FlagHistories } from '../flags/histories.ts';
import type { Log } from '../platform/log.ts';
import type { ShadowFlag } from './dashboardModel.ts';
import type { PrometheusCredentials } from './prometheusCredentials.ts';
import { QualityReader, refreshAll, type Back, type QualityReading, type QualitySubject } from './qualityReader.ts';

export interface QualityStoreParts {
  readonly files: WorkspaceFiles;
  readonly connections: Connections;
  readonly histories: FlagHistories;
  readonly credentials: PrometheusCredentials;
  /** A version, as the registry of a folder has it. @throws AppError */
  readonly version: (folder: vscode.WorkspaceFolder, registered: string, versionOrAlias: string) => Promise<VersionDetail>;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollEveryMs: () => number;
  /** The file of the thread that reads. */
  readonly script: string;
  /** Where what was counted of logs is kept. */
  readonly cacheFolder: string;
}

/** A model of a workspace folder in a command's argument or a view's state. */
export interface QualityRef {
  /** URI of the workspace folder. */
  readonly folder: string;
  /** Its name in `modelswitch.yaml`. */
  readonly model: string;
}

/** The keys of a model by which its source is read. */
const READ_KEYS = ['flag', 'switches', 'variants', 'current', 'candidate', 'quality'];

/**
 * How every model with `quality:` does in production. A source is read at an interval while something shows it, each in a thread of its own; a
 * failed reading keeps the last one with its age. In an untrusted workspace nothing is read and no command is run.
 */
export class QualityStore implements Disposable {
  readonly #parts: QualityStoreParts;
  readonly #subscriptions = new DisposableStore();
  readonly #changes = this.#subscriptions.add(new Emitter<QualityReading>());
  readonly #readers = new Map<string, { readonly section: string; readonly reader: QualityReader }>();
  #timer: Disposable | undefined;
  #active = false;
  #updating: Promise<void> = Promise.resolve();

  constructor(parts: QualityStoreParts) {
    this.#parts = parts;
    const update = (): void => void this.update();
    this.#subscriptions.add(parts.files.onDidChange(update));
    this.#subscriptions.add(parts.connections.onDidChange(update));
    this.#subscriptions.add(parts.credentials.onDidChange(() => void this.refresh()));
    this.#subscriptions.add(vscode.workspace.onDidGrantWorkspaceTrust(update));
    update();
  }

  /** The reading that changed: something new was read, or could not be. */
  readonly onDidChange = this.#changes.event;

  get readings(): readonly QualityReading[] {
    return [...this.#readers.values()].map(({ reader }) => reader.reading);
  }

  /** By the mapping itself, or by what names it. */
  of(wanted: ModelMapping | QualityRef): QualityReading | undefined {
    const readings = this.readings;
    if ('folder' in wanted) return readings.find(({ folder, model }) => folder.uri.toString() === wanted.folder && model.name === wanted.model);
    return readings.find(({ model }) => model === wanted) ?? readings.find(({ model }) => model.name === wanted.name && model.switches[0]?.flag === wanted.switches[0]?.flag);
  }

  /** Look from time to time: something shows it. */
  setActive(active: boolean): void {
    if (active === this.#active) return;
    this.#active = active;
    this.#timer?.dispose();
    if (active) void this.#poll();
  }

  /** Reads a model, or all of them, now; `back`: how far its source is to tell (`QualityReader.refresh`). Never rejects. */
  async refresh(wanted?: QualityRef, onProgress?: (done: number, total: number) => void, back?: Back): Promise<void> {
    await this.#updating;
    const meant = wanted === undefined ? [...this.#readers.values()] : [...this.#readers.values()].filter(({ reader: { reading } }) => reading === this.of(wanted));
    await refreshAll(meant.map(({ reader }) => reader), onProgress, back);
  }

  /** Checks the feature skew of a model: it runs the command that `skew:` names. @throws AppError */
  async checkSkew(wanted: QualityRef, signal: AbortSignal): Promise<void> {
    for (const { reader } of this.#readers.values()) if (reader.reading === this.of(wanted)) await reader.checkSkew(signal);
  }

  /** Ends the reading of a model that runs. */
  cancel(wanted: QualityRef): void {
    for (const { reader } of this.#readers.values()) if (reader.reading === this.of(wanted)) reader.cancel();
  }

  /** The server and project of a folder. */
  connectionOf(folder: vscode.WorkspaceFolder): Connection | undefined {
    return this.#parts.connections.targets.find((target) => target.folder.uri.toString() === folder.uri.toString())?.connection;
  }

  /** What the event log tells of an environment; undefined where nobody is connected or no flag stands for the model. */
  async historyOf(subject: QualitySubject, environment: string): Promise<ReleaseHistory | undefined> {
    const reading = await this.#eventsOf(subject);
    return reading === undefined ? undefined : releaseHistory(reading, environment, subject.model);
  }

  /** What happened to the release behind the model's first flag; undefined where the log cannot be read. */
  async timelineOf(subject: QualitySubject): Promise<ReleaseTimeline | undefined> {
    const reading = await this.#eventsOf(subject);
    return reading === undefined ? undefined : releaseTimeline(subject.model.name, subject.model.plan ?? [], reading);
  }

  /** The flag that samples for the shadow of the model's first flag, in an environment (without a name: the first one); undefined where it is not known. */
  shadowFlagOf({ folder, model, environment: first }: QualitySubject, environment: string): ShadowFlag | undefined {
    const connection = this.connectionOf(folder);
    const flag = model.switches[0]?.flag;
    if (connection?.session?.store.snapshot === undefined || flag === undefined) return undefined;
    const name = shadowFlagOf(flag);
    const rollout = rolloutIn(flagFacts(this.#parts.connections, connection, name), environment === '' ? first : environment);
    return { name, rollout: rollout && describeRollout(rollout) };
  }

  /** Brings readers in line with files and trust; one run after another. */
  update(): Promise<void> {
    this.#updating = this.#updating.then(() => this.#update()).catch((error: unknown) => this.#parts.log.error('Updating the sources of quality', error));
    return this.#updating;
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#subscriptions.dispose();
    for (const { reader } of this.#readers.values()) reader.dispose();
    this.#readers.clear();
  }

  #subjects(): QualitySubject[] {
    if (!vscode.workspace.isTrusted) return [];
    return (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => {
      const config = this.#parts.files.saved(folder)?.file.config;
      const target = this.#parts.connections.targets.find((each) => each.folder.uri.toString() === folder.uri.toString());
      const environment = target?.environment ?? config?.unleash?.environment ?? 'production';
      return (config?.models ?? []).flatMap((model) => (model.quality?.source === undefined ? [] : [{ folder, model, definition: model.quality, environment }]));
    });
  }

  async #update(): Promise<void> {
    await this.#parts.files.ready;
    const wanted = new Map(this.#subjects().map((subject) => [keyOf(subject), subject]));
    for (const [key, { reader }] of this.#readers) {
      const wrong = this.#wrongIn(reader.reading);
      // What was typed half way is no other source: what the file said before goes on.
      if (wrong !== undefined) reader.hold(wrong);
      else if (wanted.has(key)) continue;
      else this.#remove(key, reader);
      wanted.delete(key);
    }
    const added: QualityReader[] = [];
    for (const [key, subject] of wanted) {
      const section = JSON.stringify([subject.definition.section, subject.model.switches.map(({ flag }) => flag), subject.environment]);
      const known = this.#readers.get(key);
      if (known?.section === section) {
        known.reader.follow(subject);
        continue;
      }
      known?.reader.dispose();
      const reader = this.#reader(subject);
      this.#readers.set(key, { section, reader });
      added.push(reader);
      if (known !== undefined) this.#changes.fire(reader.reading);
    }
    if (this.#active) void refreshAll(added);
  }

  #remove(key: string, reader: QualityReader): void {
    const { reading } = reader;
    reader.dispose();
    this.#readers.delete(key);
    this.#changes.fire(reading);
  }

  /** The first error of the file by which a model's source would be another one; undefined: there is none. */
  #wrongIn({ folder, model }: QualitySubject): AppError | undefined {
    if (!vscode.workspace.isTrusted || vscode.workspace.getWorkspaceFolder(folder.uri) === undefined) return undefined;
    const file = this.#parts.files.saved(folder)?.file;
    const [problem] = file === undefined ? [] : hindering(file, { model: model.name, keys: READ_KEYS });
    return problem === undefined ? undefined : new AppError('validation', plainLine(`modelswitch.yaml:${problem.range.start.line + 1} is wrong, so shown is what was read by it before: ${problem.message}`, 400));
  }

  async #eventsOf({ folder, model }: QualitySubject): Promise<HistoryReading | undefined> {
    const connection = this.connectionOf(folder);
    const [first] = model.switches;
    if (connection?.session === undefined || first === undefined) return undefined;
    try {
      return await this.#parts.histories.read(connection, first.flag);
    } catch (error) {
      this.#parts.log.error(`Reading the history of ${first.flag} for its quality`, error);
      return undefined;
    }
  }

  #reader(subject: QualitySubject): QualityReader {
    const { script, cacheFolder, clock, log, credentials } = this.#parts;
    let logged: unknown;
    const reader: QualityReader = new QualityReader(subject, {
      script, cacheFolder, clock, mayRead: () => vscode.workspace.isTrusted,
      headers: (origin) => credentials.headers(origin),
      history: (each, environment) => this.historyOf(each, environment),
      training: (each, target) => this.#trainingOf(each, target),
    }, () => {
      const { error } = reader.reading;
      if (error !== undefined && error !== logged) log.error(`Reading the quality of ${subject.model.name}`, error);
      logged = error;
      this.#changes.fire(reader.reading);
    });
    return reader;
  }

  async #trainingOf({ folder, model }: QualitySubject, { version, dataset }: { readonly version: string; readonly dataset?: string }): Promise<FoundTrainingData> {
    try {
      return trainingData(await this.#parts.version(folder, model.registeredModel ?? model.name, roleName(model, version)), dataset);
    } catch (error) {
      return { reason: toAppError(error).message };
    }
  }

  async #poll(): Promise<void> {
    await this.refresh();
    if (!this.#active) return;
    this.#timer?.dispose();
    this.#timer = this.#parts.clock.after(this.#parts.pollEveryMs(), () => void this.#poll());
  }
}

function keyOf({ folder, model }: QualitySubject): string {
  return JSON.stringify([folder.uri.toString(), model.name]);
}
