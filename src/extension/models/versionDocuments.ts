import * as vscode from 'vscode';
import * as z from 'zod';
import { repositoryOf } from '../../adapters/lineages.ts';
import { toAppError } from '../../core/base/errors.ts';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import type { VersionDetail } from '../../core/models/model.ts';
import { comparisonText, versionText } from '../../core/models/versionText.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { MODEL_SCHEME, registryKey, type VersionNode } from './modelNodes.ts';
import { registryLinks } from './registryLinks.ts';
import type { Registries } from './registries.ts';
import type { RegistryConnection } from './registryConnection.ts';
import { mappingsOf, outingSentence, whereOut } from './whereOut.ts';
import type { WorkingTree } from './workingTree.ts';

/** Everything that a document shows stands in its address: it is there again after a reload of the window. */
const address = z.union([
  z.object({ show: z.enum(['details', 'comparison']), registry: z.string(), model: z.string(), version: z.string() }),
  z.object({ show: z.literal('file'), folder: z.string(), commit: z.string(), path: z.string() }),
]);

type Address = z.output<typeof address>;

export interface VersionDocumentParts {
  readonly registries: Registries;
  readonly connections: Connections;
  readonly workingTree: WorkingTree;
  /** Documents that have to be read again. */
  readonly changed: (uri: vscode.Uri) => void;
}

const FOLLOW_AFTER_MS = 300;

/** The text of read-only documents: a version's details, what it is compared by, a file of its code. Open ones follow the registry. */
export class VersionDocuments implements vscode.Disposable {
  readonly #parts: VersionDocumentParts;
  readonly #subscriptions = new DisposableStore();
  #following: NodeJS.Timeout | undefined;

  constructor(parts: VersionDocumentParts) {
    this.#parts = parts;
    const follow = (): void => this.#followSoon();
    this.#subscriptions.add(parts.registries.onDidChange(follow));
    this.#subscriptions.add(parts.connections.onDidChange(follow));
    this.#subscriptions.add(parts.workingTree.onDidChange(follow));
  }

  async text(uri: vscode.Uri): Promise<string> {
    const parsed = addressOf(uri);
    if (parsed === undefined) return 'This address names nothing that Modelswitch shows.\n';
    if (!vscode.workspace.isTrusted) return 'This workspace is not trusted: Modelswitch reads no registry here.\n';
    try {
      return parsed.show === 'file' ? await fileText(parsed) : await this.#versionText(parsed);
    } catch (error) {
      return `${plainLine(toAppError(error).message, 1000)}\n`;
    }
  }

  /** Above the parts of a version's details: what one can do about them. */
  lenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const parsed = addressOf(document.uri);
    const node = parsed?.show === 'details' ? this.#node(parsed) : undefined;
    if (node === undefined) return [];
    const lens = (line: number, title: string, command: string): vscode.CodeLens => new vscode.CodeLens(new vscode.Range(line, 0, line, 0), { title, command, arguments: [node] });
    const at = (section: RegExp): number => document.getText().split('\n').findIndex((line) => section.test(line));
    const [code, lineage] = [at(/^code:/), at(/^lineage:/)];
    return [
      lens(0, 'Compare with...', Command.compareVersions),
      lens(0, 'Move an Alias Here...', Command.moveAlias),
      ...(node.connection.place.kind === 'mlflow' ? [lens(0, 'Open in Registry', Command.openInRegistry)] : []),
      ...(code < 0 ? [] : [lens(code, 'Show Changes to HEAD', Command.showCodeChanges)]),
      ...(lineage < 0 || node.model === undefined ? [] : [lens(lineage, 'Retrain...', Command.retrain)]),
    ];
  }

  dispose(): void {
    clearTimeout(this.#following);
    this.#subscriptions.dispose();
  }

  async #versionText(parsed: Extract<Address, { model: string }>): Promise<string> {
    await this.#parts.registries.update();
    const node = this.#node(parsed);
    if (node === undefined) return `${plainLine(`No folder of this workspace names the registry of ${parsed.model} ${parsed.version} any more.`, 400)}\n`;
    const detail = await readDetail(node);
    return parsed.show === 'comparison' ? comparisonText(detail) : this.#details(node, detail);
  }

  async #details(node: VersionNode, detail: VersionDetail): Promise<string> {
    const { registries, connections, workingTree } = this.#parts;
    const { connection, registered, version } = node;
    const [mapped] = mappingsOf(registries, connection, registered);
    const folder = mapped?.registry.folder ?? registries.folders.find((each) => each.connection === connection)?.folder;
    const lineage = folder === undefined ? undefined : await workingTree.lineageSettled({ connection, folder, mapping: mapped?.mapping, registered, version });
    return versionText(detail, {
      registry: connection.store?.registry.location ?? connection.place.location,
      links: registryLinks(connection.place, detail),
      out: whereOut(registries, connections, connection, registered, version).map(outingSentence),
      lineage: lineage?.value,
      gaps: lineage?.error === undefined ? [] : [lineage.error.message],
    });
  }

  #node({ registry, model, version }: Extract<Address, { model: string }>): VersionNode | undefined {
    const { registries } = this.#parts;
    const connection = registries.all.find((each) => registryKey(each) === registry);
    if (connection === undefined) return undefined;
    const [mapped] = mappingsOf(registries, connection, model);
    return { kind: 'version', connection, registered: model, version, ...(mapped === undefined ? {} : { folder: mapped.registry.folder.uri.toString(), model: mapped.mapping.name }) };
  }

  #followSoon(): void {
    this.#following ??= setTimeout(() => {
      this.#following = undefined;
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === MODEL_SCHEME && addressOf(uri)?.show === 'details') this.#parts.changed(uri);
    }, FOLLOW_AFTER_MS);
  }
}

/** From the store when it is known. What failed is asked again after a while, not whenever something else changes. */
async function readDetail({ connection, registered, version }: VersionNode): Promise<VersionDetail> {
  const store = await connection.open();
  const { value, error } = store.detail(registered, version);
  if (value !== undefined) return value;
  if (error === undefined) return store.readDetail(registered, version);
  store.wantDetail(registered, version);
  throw error;
}

async function fileText({ folder, commit, path }: Extract<Address, { show: 'file' }>): Promise<string> {
  const uri = vscode.Uri.parse(folder, true);
  if (vscode.workspace.getWorkspaceFolder(uri) === undefined) return 'Its folder is not part of this workspace any more.\n';
  const repository = await repositoryOf(uri.fsPath);
  if ('reason' in repository) return `${repository.reason}\n`;
  const bytes = await repository.file(commit, path);
  if (bytes === undefined) return '';
  return bytes.includes(0) ? `A binary file of ${bytes.length} bytes.\n` : new TextDecoder().decode(bytes);
}

function addressOf({ query }: vscode.Uri): Address | undefined {
  try {
    return address.parse(JSON.parse(query));
  } catch {
    return undefined;
  }
}

/** The document of a version: everything about it, or what it is compared by. */
export function versionUri({ connection, registered, version }: { readonly connection: RegistryConnection; readonly registered: string; readonly version: string }, show: 'details' | 'comparison'): vscode.Uri {
  const name = plainLine(`${registered} ${version}`, 80).replaceAll('/', '∕').replaceAll('\\', '∕');
  return vscode.Uri.from({ scheme: MODEL_SCHEME, path: `/${name}.yaml`, query: JSON.stringify({ show, registry: registryKey(connection), model: registered, version } satisfies Address) });
}

/** A file as it was committed, in the repository that a folder of the workspace is in; `path` is relative to that folder. */
export function fileUri(folder: vscode.Uri, commit: string, path: string): vscode.Uri {
  return vscode.Uri.from({ scheme: MODEL_SCHEME, path: `/${path}`, query: JSON.stringify({ show: 'file', folder: folder.toString(), commit, path } satisfies Address) });
}
