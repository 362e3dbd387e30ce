import type * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { ContractProblems } from './contractProblems.ts';
import { modelCommands } from './modelCommands.ts';
import type { ModelNode } from './modelNodes.ts';
import { ModelTree } from './modelTree.ts';
import type { ModelViewParts } from './modelViews.ts';
import { VersionDocuments } from './versionDocuments.ts';
import { WorkingTree } from './workingTree.ts';

/** What the shell that is there from the start gives to what is loaded later. */
export interface ModelShell {
  readonly view: vscode.TreeView<ModelNode>;
  readonly treeChanged: (node: ModelNode | undefined) => void;
  readonly documentChanged: (uri: vscode.Uri) => void;
}

/** Tree, documents and commands of models. */
export class ModelFeature implements vscode.Disposable {
  readonly tree: ModelTree;
  readonly documents: VersionDocuments;
  readonly commands: ReturnType<typeof modelCommands>;
  readonly workingTree: WorkingTree;
  readonly #parts = new DisposableStore();

  constructor(parts: ModelViewParts, { view, treeChanged, documentChanged }: ModelShell) {
    const { registries, connections } = parts;
    const workingTree = this.#parts.add(new WorkingTree());
    this.workingTree = workingTree;
    this.tree = this.#parts.add(new ModelTree({ registries, connections, workingTree, view, changed: treeChanged }));
    this.documents = this.#parts.add(new VersionDocuments({ registries, connections, workingTree, changed: documentChanged }));
    this.#parts.add(new ContractProblems(connections));
    this.commands = modelCommands({ ...parts, tree: this.tree, workingTree });
  }

  dispose(): void {
    this.#parts.dispose();
  }
}
