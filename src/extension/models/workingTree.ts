import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Hasher } from '../../adapters/dvc/hasher.ts';
import { PipelineFolder, type Pipeline } from '../../adapters/dvc/pipelineFolder.ts';
import { lineageOf } from '../../adapters/lineages.ts';
import { DisposableStore } from '../../core/base/events.ts';
import type { Lineage } from '../../core/models/lineage.ts';
import type { VersionDetail } from '../../core/models/model.ts';
import type { Reading } from '../../core/models/modelSnapshot.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { Readings } from './readings.ts';
import { registryKey } from './modelNodes.ts';
import type { RegistryConnection } from './registryConnection.ts';
import type { Mapped } from './whereOut.ts';

/** Files by which one sees that a pipeline or its data became another one; data itself is looked at when somebody refreshes. */
const WATCHED = '**/{dvc.yaml,dvc.lock,params.yaml,*.dvc}';

/** A version, and the folder whose repository is asked about it. */
export interface LineageQuestion {
  readonly connection: RegistryConnection;
  readonly folder: vscode.WorkspaceFolder;
  readonly mapping: ModelMapping | undefined;
  readonly registered: string;
  readonly version: string;
}

/** Pipelines and lineage of the workspace's files: read when something shows them, again when DVC's files change or a task ends. */
export class WorkingTree implements vscode.Disposable {
  readonly #hasher = new Hasher();
  readonly #abort = new AbortController();
  readonly #parts = new DisposableStore();
  readonly #pipelines = this.#parts.add(new Readings<Pipeline>());
  readonly #lineages = this.#parts.add(new Readings<Lineage>());
  readonly #changes = this.#parts.add(new vscode.EventEmitter<void>());

  readonly onDidChange = this.#changes.event;

  constructor() {
    const clear = (): void => this.clear();
    const watcher = this.#parts.add(vscode.workspace.createFileSystemWatcher(WATCHED));
    this.#parts.add(watcher.onDidChange(clear));
    this.#parts.add(watcher.onDidCreate(clear));
    this.#parts.add(watcher.onDidDelete(clear));
    this.#parts.add(vscode.tasks.onDidEndTask(clear));
    this.#parts.add(this.#pipelines.onDidChange(() => this.#changes.fire()));
    this.#parts.add(this.#lineages.onDidChange(() => this.#changes.fire()));
  }

  hasPipeline(mapped: Mapped): Promise<boolean> {
    return stat(join(pipelineFolder(mapped), 'dvc.yaml')).then((found) => found.isFile(), () => false);
  }

  /** The pipeline of a mapped model, which takes as long as looking at its files does. */
  pipeline(mapped: Mapped): Promise<Reading<Pipeline>> {
    const path = pipelineFolder(mapped);
    return this.#pipelines.settled(path, () => new PipelineFolder(path, this.#hasher).read(this.#abort.signal));
  }

  /** The lineage of a version, as far as it is known; it is asked for. */
  lineage(question: LineageQuestion): Reading<Lineage> {
    return this.#lineages.of(...this.#ask(question));
  }

  lineageSettled(question: LineageQuestion): Promise<Reading<Lineage>> {
    return this.#lineages.settled(...this.#ask(question));
  }

  /** The files may be others now. */
  clear(): void {
    this.#pipelines.clear();
    this.#lineages.clear();
  }

  dispose(): void {
    this.#abort.abort();
    this.#parts.dispose();
  }

  #ask({ connection, folder, mapping, registered, version }: LineageQuestion): [string, () => Promise<Lineage>] {
    const key = JSON.stringify([registryKey(connection), registered, version, folder.uri.toString(), mapping?.name ?? null]);
    const read = async (): Promise<Lineage> => {
      const detail: VersionDetail = await (await connection.open()).readDetail(registered, version);
      return lineageOf(folder.uri.fsPath, mapping, detail, this.#hasher, this.#abort.signal);
    };
    return [key, read];
  }
}

function pipelineFolder({ registry: { folder }, mapping }: Mapped): string {
  return join(folder.uri.fsPath, mapping.retrain?.folder ?? '');
}
