import type * as vscode from 'vscode';
import type { StageStatus } from '../../core/models/pipelineState.ts';
import type { RegistryConnection } from './registryConnection.ts';

/** Of read-only documents about versions. */
export const MODEL_SCHEME = 'modelswitch-model';

/** A mapped model of a workspace folder, where a node stands for one: what "Retrain" takes. */
export interface MappedModel {
  /** URI of the workspace folder. */
  readonly folder?: string;
  /** Its name in `modelswitch.yaml`. */
  readonly model?: string;
}

export interface ModelEntryNode extends MappedModel {
  readonly kind: 'model';
  readonly connection: RegistryConnection;
  /** Its name in the registry. */
  readonly registered: string;
}

export interface VersionNode extends MappedModel {
  readonly kind: 'version';
  readonly connection: RegistryConnection;
  readonly registered: string;
  readonly version: string;
}

/** A node of the tree "Models". */
export type ModelNode =
  | { readonly kind: 'registry'; readonly connection: RegistryConnection }
  | ModelEntryNode
  | VersionNode
  | { readonly kind: 'pipeline'; readonly folder: string; readonly model: string }
  | { readonly kind: 'stage'; readonly folder: string; readonly model: string; readonly stage: string; readonly status: StageStatus }
  | ModelLineNode
  /** Further models of a registry, or further versions of `registered`. */
  | { readonly kind: 'more'; readonly connection: RegistryConnection; readonly registered?: string };

/** A line without children. */
export interface ModelLineNode {
  readonly kind: 'line';
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly tooltip?: string;
  readonly icon: string;
  readonly command?: vscode.Command;
}

/** A registry in an id or an address: unlike for every one. */
export function registryKey({ place: { kind, location, workspace, folder } }: RegistryConnection): string {
  return JSON.stringify([kind, location, workspace ?? null, kind === 'mlflow' ? '' : folder]);
}

/** Unlike for every node: names of a registry may hold any separator. */
export function modelNodeId(node: ModelNode): string {
  switch (node.kind) {
    case 'registry':
      return registryKey(node.connection);
    case 'model':
      return JSON.stringify([registryKey(node.connection), node.registered]);
    case 'version':
      return JSON.stringify([registryKey(node.connection), node.registered, node.version]);
    case 'pipeline':
      return JSON.stringify(['pipeline', node.folder, node.model]);
    case 'stage':
      return JSON.stringify(['pipeline', node.folder, node.model, node.stage]);
    case 'line':
      return node.id;
    case 'more':
      return JSON.stringify([registryKey(node.connection), node.registered ?? null, '...']);
  }
}
