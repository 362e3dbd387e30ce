import type * as vscode from 'vscode';
import { modelNodeId, type ModelNode } from './modelNodes.ts';

export interface DrawnNodesParts {
  readonly children: (node: ModelNode | undefined) => Promise<readonly ModelNode[]>;
  readonly item: (node: ModelNode) => vscode.TreeItem;
  /** What stands below this node, or all of the tree, has to be drawn anew. */
  readonly changed: (node: ModelNode | undefined) => void;
}

/** What was handed out to be drawn below a node: by the object that VS Code knows it by, and as text. */
interface Drawn {
  readonly node: ModelNode | undefined;
  readonly text: string;
}

const REDRAW_AFTER_MS = 100;

/** Remembers what a tree shows, so that only what is other than before is drawn anew: a node that is drawn anew loses its open menu. */
export class DrawnNodes {
  readonly #parts: DrawnNodesParts;
  readonly #drawn = new Map<string, Drawn>();
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(parts: DrawnNodesParts) {
    this.#parts = parts;
  }

  /** These are drawn below a node now. */
  remember(node: ModelNode | undefined, children: readonly ModelNode[]): void {
    this.#drawn.set(idOf(node), { node, text: this.#text(children) });
  }

  /** Nothing is drawn below a node any more. */
  collapsed(node: ModelNode): void {
    this.#drawn.delete(idOf(node));
  }

  /** VS Code shows what it was given once, which may be old. */
  expanded(node: ModelNode): void {
    if (!this.#drawn.has(idOf(node))) this.#parts.changed(node);
  }

  /** Something may have changed; a store changes several times for one look at the registry. */
  checkSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const check = (): Promise<void> => this.#check();
      this.#checking = this.#checking.then(check, check);
    }, REDRAW_AFTER_MS);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    for (const [id, { node, text }] of [...this.#drawn]) {
      const now = this.#text(await this.#parts.children(node));
      if (this.#disposed) return;
      if (now === text || this.#drawn.get(id)?.text !== text) continue;
      this.#drawn.delete(id);
      if (node === undefined) this.#drawn.clear();
      this.#parts.changed(node);
      if (node === undefined) return;
    }
  }

  #text(children: readonly ModelNode[]): string {
    return JSON.stringify(children.map((each) => {
      const { label, description, contextValue, iconPath, collapsibleState, tooltip } = this.#parts.item(each);
      return [modelNodeId(each), label, description, contextValue, iconPath, collapsibleState, typeof tooltip === 'string' ? tooltip : ''];
    }));
  }
}

function idOf(node: ModelNode | undefined): string {
  return node === undefined ? '' : modelNodeId(node);
}
