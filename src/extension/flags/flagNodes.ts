import type * as vscode from 'vscode';
import type { RolloutEntry } from '../../core/flags/timeline.ts';
import type { Connection } from '../connection/connection.ts';
import type { FlagFacts } from './facts.ts';

/** A node of the tree "Flags". */
export type FlagNode =
  | { readonly kind: 'connection'; readonly connection: Connection }
  | { readonly kind: 'flag'; readonly connection: Connection; readonly flag: string }
  | { readonly kind: 'environment'; readonly connection: Connection; readonly flag: string; readonly environment: string }
  | HistoryNode
  | StateNode
  | DetailNode
  | { readonly kind: 'more'; readonly connection: Connection; readonly hidden: number };

/** The history of a flag in an environment, read when it is opened. */
export interface HistoryNode {
  readonly kind: 'history';
  readonly connection: Connection;
  readonly flag: string;
  readonly environment: string;
}

/** One change of that history, and what the environment was after it. */
export interface StateNode {
  readonly kind: 'state';
  readonly connection: Connection;
  readonly flag: string;
  readonly environment: string;
  readonly entry: RolloutEntry;
}

/** A line of a feature, with lines of its own below it if it has `children`. */
export interface DetailNode {
  readonly kind: 'detail';
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly tooltip?: string;
  readonly icon: string;
  readonly command?: vscode.Command;
  /** Asked for when the line is opened. */
  readonly children?: () => readonly DetailNode[];
  /** What the context menu goes by. */
  readonly context?: string;
  /** What commands of the context menu are about. */
  readonly connection?: Connection;
  readonly flag?: string;
}

/** Adds lines below a flag's environment; a feature contributes one of these from its own folder. */
export type EnvironmentTreePart = (facts: FlagFacts, environment: string) => readonly DetailNode[];

/** Adds lines below a flag. It may be asked for any flag that is shown, so it is quick. */
export type FlagTreePart = (facts: FlagFacts) => readonly DetailNode[];

/** Adds lines below the flags of a connection. */
export type ConnectionTreePart = (connection: Connection) => readonly DetailNode[];

/** Adds words to a flag for the menus to go by. As quick as the parts below it. */
export type FlagContextPart = (facts: FlagFacts) => readonly string[];

/** What features add to the tree, in order. */
export interface TreeParts {
  readonly environment: readonly EnvironmentTreePart[];
  readonly flag: readonly FlagTreePart[];
  readonly connection: readonly ConnectionTreePart[];
  readonly context: readonly FlagContextPart[];
}

/** Unlike for every node: names of a server may hold any separator. */
export function nodeId(node: FlagNode): string {
  switch (node.kind) {
    case 'connection':
      return idOf(node.connection);
    case 'flag':
      return JSON.stringify([idOf(node.connection), node.flag]);
    case 'environment':
      return JSON.stringify([idOf(node.connection), node.flag, node.environment]);
    case 'history':
      return JSON.stringify([idOf(node.connection), node.flag, node.environment, 'history']);
    case 'state':
      return JSON.stringify([idOf(node.connection), node.flag, node.environment, 'history', node.entry.events]);
    case 'detail':
      return node.id;
    case 'more':
      return `${idOf(node.connection)}/...`;
  }
}

function idOf({ baseUrl, project }: Connection): string {
  return `${baseUrl} ${project}`;
}
