import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { personaProblems } from '../../core/personas/problems.ts';
import type { Problem } from '../../core/workspace/source.ts';
import type { PersonaStore } from '../personas/personaStore.ts';
import { movedProblems } from '../models/movedAliases.ts';
import type { Connections } from './connections.ts';
import type { WorkspaceFiles } from './workspaceFiles.ts';

/** Problems of `modelswitch.yaml`: its form at once, flags and environments as soon as the server's are loaded. */
export class ConfigurationDiagnostics implements vscode.Disposable {
  readonly #files: WorkspaceFiles;
  readonly #connections: Connections;
  readonly #personas: PersonaStore;
  readonly #collection = vscode.languages.createDiagnosticCollection('modelswitch');
  readonly #subscriptions = new DisposableStore();

  constructor(files: WorkspaceFiles, connections: Connections, personas: PersonaStore) {
    this.#files = files;
    this.#connections = connections;
    this.#personas = personas;
    this.#subscriptions.add(this.#collection);
    this.#subscriptions.add(files.onDidChange(() => this.#update()));
    this.#subscriptions.add(connections.onDidChange(() => this.#update()));
    this.#subscriptions.add(personas.onDidChange(() => this.#update()));
    this.#subscriptions.add(vscode.workspace.onDidOpenTextDocument(({ uri }) => {
      if (vscode.workspace.workspaceFolders?.some((folder) => this.#files.of(folder)?.uri.toString() === uri.toString()) === true) this.#update();
    }));
    this.#update();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #update(): void {
    this.#collection.clear();
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      const loaded = this.#files.of(folder);
      if (loaded === undefined) continue;
      const { config, problems } = loaded.file;
      const target = this.#connections.targets.find((candidate) => candidate.folder === folder);
      const snapshot = target?.connection.session?.store.snapshot;
      const known = snapshot === undefined ? {} : {
        flags: new Set(snapshot.flags.keys()),
        archived: snapshot.archived,
        environments: snapshot.environments.map(({ name }) => name),
        segments: [...snapshot.segments.values()].flatMap(({ id, name }) => [name, String(id)]),
      };
      // The server's context fields are read for somebody who edits the personas, not at every start.
      const isOpen = vscode.workspace.textDocuments.some((document) => document.uri.toString() === loaded.uri.toString());
      const fields = isOpen && target !== undefined && config !== undefined && config.personas.length > 0 ? this.#personas.contextFields(target.connection) : undefined;
      const all = config === undefined ? problems : [...problems, ...loaded.reader.semanticProblems(config, known), ...loaded.reader.mappingProblems(config, this.#connections.registryView(folder), snapshot?.flags), ...(target === undefined ? [] : movedProblems(this.#connections, target, config.models)), ...(fields === undefined ? [] : personaProblems(config.personas, fields))];
      this.#collection.set(loaded.uri, all.map(diagnostic));
    }
  }
}

const SEVERITIES = { error: vscode.DiagnosticSeverity.Error, warning: vscode.DiagnosticSeverity.Warning, information: vscode.DiagnosticSeverity.Information } as const;

function diagnostic({ code, message, severity, range }: Problem): vscode.Diagnostic {
  const { start, end } = range;
  const result = new vscode.Diagnostic(
    new vscode.Range(start.line, start.column, end.line, end.column),
    message,
    SEVERITIES[severity],
  );
  result.source = 'Modelswitch';
  result.code = code;
  return result;
}
