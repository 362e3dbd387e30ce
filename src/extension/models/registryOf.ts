import type * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import type { ModelStore } from '../../core/models/modelStore.ts';
import type { ModelRegistry } from '../../core/models/registry.ts';
import type { Registries } from './registries.ts';

/** The registry itself, not what is known of it: a raise is judged by what holds now. @throws AppError */
export async function registryOf(folder: vscode.WorkspaceFolder, registries: Registries): Promise<ModelRegistry> {
  return (await storeOf(folder, registries)).registry;
}

/** What is known of the registry of a folder. @throws AppError */
export async function storeOf(folder: vscode.WorkspaceFolder, registries: Registries): Promise<ModelStore> {
  const found = registries.folders.find((each) => each.folder.uri.toString() === folder.uri.toString());
  if (found === undefined) throw registries.problem ?? new AppError('validation', 'No model registry: name one in modelswitch.yaml (registry: {mlflow: http://localhost:5000}).');
  return found.connection.open();
}
