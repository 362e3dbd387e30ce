import * as vscode from 'vscode';
import { repositoryOf } from '../../adapters/lineages.ts';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ModelVersion } from '../../core/models/model.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { isRetrainOffer, retrain, RetrainOffers, type RetrainParts } from '../pipelines/retrain.ts';
import { requireTrust } from '../platform/trust.ts';
import type { ModelNode, VersionNode } from './modelNodes.ts';
import type { ModelTree } from './modelTree.ts';
import { moveAlias, type MoveAliasParts } from './moveAlias.ts';
import type { Registries } from './registries.ts';
import type { RegistryConnection } from './registryConnection.ts';
import { registryLinks } from './registryLinks.ts';
import { signIn, signOut, type SignInParts } from './signIn.ts';
import { fileUri, versionUri } from './versionDocuments.ts';
import { mappingsOf } from './whereOut.ts';
import type { WorkingTree } from './workingTree.ts';

export interface ModelCommandParts extends MoveAliasParts, SignInParts, RetrainParts {
  readonly registries: Registries;
  readonly connections: Connections;
  readonly tree: ModelTree;
  readonly workingTree: WorkingTree;
}

const MOST_FILES = 200;

/** What each command of models does, by its id. Arguments are those of the tree: the node, and all that are selected. */
export function modelCommands(parts: ModelCommandParts): Readonly<Record<string, (argument: unknown, selected: unknown) => Promise<unknown>>> {
  const onVersion = (title: string, run: (node: VersionNode) => Promise<unknown>) => async (argument: unknown): Promise<unknown> => {
    const node = await resolveVersion(parts, argument, title);
    return node === undefined ? undefined : run(node);
  };
  const offers = new RetrainOffers(parts);
  return {
    [Command.refreshModels]: async () => {
      requireTrust();
      parts.workingTree.clear();
      await parts.registries.refresh();
      await parts.tree.search();
    },
    [Command.filterModels]: async () => {
      const filter = await vscode.window.showInputBox({ title: 'Filter models', prompt: 'Part of a name; empty shows all', value: parts.tree.filter });
      if (filter !== undefined) await parts.tree.setFilter(filter);
    },
    [Command.clearModelFilter]: () => parts.tree.setFilter(''),
    [Command.loadMoreModels]: async (node) => {
      if (isNode(node) && node.kind === 'more') await parts.tree.loadMore(node);
    },
    [Command.showVersion]: onVersion('Show a version', showVersion),
    [Command.compareVersions]: async (argument, selected) => compareVersions(parts, argument, selected),
    [Command.showCodeChanges]: onVersion('Show code changes since a version', (node) => showCodeChanges(parts, node)),
    [Command.openInRegistry]: onVersion('Open a version in the registry', openInRegistry),
    [Command.moveAlias]: async (argument, alias) => {
      const node = await resolveVersion(parts, argument, 'Move an alias to a version');
      return node === undefined ? undefined : moveAlias(parts, node, typeof alias === 'string' ? alias : undefined);
    },
    [Command.retrain]: (argument) => (isRetrainOffer(argument) ? offers.offer(argument) : retrain(parts, argument)),
    [Command.registrySignIn]: () => signIn(parts),
    [Command.registrySignOut]: () => signOut(parts),
  };
}

async function showVersion(node: VersionNode): Promise<void> {
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(versionUri(node, 'details')), { preview: true });
}

/** Two selected versions, or one and another that is asked for; the older one on the left. */
async function compareVersions(parts: ModelCommandParts, argument: unknown, selected: unknown): Promise<void> {
  const chosen = Array.isArray(selected) ? selected.filter((node): node is VersionNode => isNode(node) && node.kind === 'version') : [];
  if (chosen.length > 2) throw new AppError('validation', 'Select two versions to compare.');
  const first = chosen[0] ?? await resolveVersion(parts, argument, 'Compare a version');
  if (first === undefined) return;
  const second = chosen[1] ?? await pickOther(first);
  if (second === undefined) return;
  const [left, right] = await inOrder(first, second);
  const name = ({ registered, version }: VersionNode): string => plainLine(left.registered === right.registered ? version : `${registered} ${version}`, 60);
  const title = `${left.registered === right.registered ? `${plainLine(left.registered, 60)}: ` : ''}${name(left)} ↔ ${name(right)}`;
  await vscode.commands.executeCommand('vscode.diff', versionUri(left, 'comparison'), versionUri(right, 'comparison'), title);
}

/** By time of registration, then by number. */
async function inOrder(a: VersionNode, b: VersionNode): Promise<readonly [VersionNode, VersionNode]> {
  const [first, second] = await Promise.all([a, b].map(async ({ connection, registered, version }) => (await connection.open()).readDetail(registered, version).then(({ createdAt }) => createdAt, () => undefined)));
  const byTime = (first ?? 0) - (second ?? 0);
  const order = byTime === 0 || first === undefined || second === undefined ? a.version.localeCompare(b.version, 'en', { numeric: true }) : byTime;
  return order <= 0 ? [a, b] : [b, a];
}

async function pickOther({ connection, registered, version, ...mapped }: VersionNode): Promise<VersionNode | undefined> {
  const others = (await versionsOf(connection, registered)).filter((each) => each.version !== version);
  if (others.length === 0) throw new AppError('notFound', `${registered} has no other version to compare with.`);
  // One compares with what serves.
  const items = others.toSorted((a, b) => Number(b.aliases.length > 0) - Number(a.aliases.length > 0)).map(versionPick);
  const chosen = await vscode.window.showQuickPick(items, { title: `Compare ${plainLine(registered, 60)} ${plainLine(version, 40)} with`, placeHolder: 'Which version?', matchOnDescription: true });
  return chosen && { ...mapped, connection, registered, version: chosen.version };
}

function versionPick({ version, aliases, description }: ModelVersion): { label: string; description: string; version: string } {
  return { label: plainLine(version), description: plainLine([aliases.join(', '), description].filter((part) => part !== '').join(' · ')), version };
}

async function versionsOf(connection: RegistryConnection, registered: string): Promise<readonly ModelVersion[]> {
  const store = await connection.open();
  await store.loadVersions(registered);
  const { value, error } = store.versions(registered);
  if (value === undefined) throw error ?? new AppError('notFound', `${registered} has no versions.`);
  return value.items;
}

/** What the version's code was, beside what it is at HEAD: every file that differs, in one editor. */
async function showCodeChanges({ registries }: ModelCommandParts, { connection, registered, version }: VersionNode): Promise<void> {
  requireTrust();
  const { code } = await (await connection.open()).readDetail(registered, version);
  if (code.commit === undefined) throw new AppError('notFound', `The run of ${registered} ${version} names no commit: train in a git repository, so that MLflow notes it (mlflow.source.git.commit).`);
  const [mapped] = mappingsOf(registries, connection, registered);
  const place = (mapped?.registry ?? registries.folders.find((each) => each.connection === connection))?.folder.uri;
  if (place === undefined) return;
  const folder = vscode.Uri.joinPath(place, mapped?.mapping.retrain?.folder ?? '');
  const repository = await repositoryOf(folder.fsPath);
  if ('reason' in repository) throw new AppError('notFound', repository.reason);
  const commit = await repository.commit(code.commit);
  if (commit.kind === 'unknown') throw new AppError('notFound', commit.reason);
  const head = await repository.head() ?? commit.commit.id;
  const files = await repository.changedFiles(commit.commit.id, head);
  const short = commit.commit.id.slice(0, 10);
  if (files.length === 0) {
    void vscode.window.showInformationMessage(plainLine(`No file differs between ${short}, which made ${registered} ${version}, and HEAD.`, 300));
    return;
  }
  const shown = files.slice(0, MOST_FILES);
  const title = plainLine(`${registered} ${version}: ${short} ↔ HEAD${files.length > shown.length ? ` (the first ${shown.length} of ${files.length} files)` : ''}`, 200);
  await vscode.commands.executeCommand('vscode.changes', title, shown.map((path) => [vscode.Uri.joinPath(folder, path), fileUri(folder, commit.commit.id, path), fileUri(folder, head, path)]));
}

async function openInRegistry({ connection, registered, version }: VersionNode): Promise<void> {
  const { version: page } = registryLinks(connection.place, { model: registered, version });
  if (page === undefined) throw new AppError('validation', 'This registry has no pages of its own: it is a file.');
  await vscode.env.openExternal(vscode.Uri.parse(page, true));
}

function isNode(value: unknown): value is ModelNode {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}

/** The version that a command is about: its argument, else a choice that starts with the mapped models. */
async function resolveVersion(parts: ModelCommandParts, argument: unknown, title: string): Promise<VersionNode | undefined> {
  if (isNode(argument) && argument.kind === 'version') return argument;
  requireTrust();
  const model = isNode(argument) && argument.kind === 'model' ? argument : await pickModel(parts, title);
  if (model === undefined) return undefined;
  const { connection, registered } = model;
  const chosen = await vscode.window.showQuickPick((await versionsOf(connection, registered)).map(versionPick), { title: `${title} of ${plainLine(registered, 60)}`, placeHolder: 'Which version?', matchOnDescription: true });
  const [mapped] = mappingsOf(parts.registries, connection, registered);
  return chosen && { kind: 'version', connection, registered, version: chosen.version, ...(mapped === undefined ? {} : { folder: mapped.registry.folder.uri.toString(), model: mapped.mapping.name }) };
}

async function pickModel({ registries }: ModelCommandParts, title: string): Promise<{ connection: RegistryConnection; registered: string } | undefined> {
  await registries.update();
  if (registries.all.length === 0) throw registries.problem ?? new AppError('validation', 'No model registry: name one in modelswitch.yaml (registry: {mlflow: http://localhost:5000}).');
  const found = await Promise.all(registries.all.map(async (connection) => {
    const store = await connection.open();
    if (store.snapshot.list.value === undefined) await store.refresh();
    const { value, error } = store.snapshot.list;
    if (value === undefined && error !== undefined && registries.all.length === 1) throw error;
    const mapped = registries.modelsOf(connection).flatMap(({ registeredModel }) => registeredModel ?? []);
    return [...new Set([...mapped, ...value?.items.map(({ name }) => name) ?? []])].map((registered) => ({ label: plainLine(registered), description: mapped.includes(registered) ? 'in modelswitch.yaml' : '', connection, registered }));
  }));
  return vscode.window.showQuickPick(found.flat(), { title: `${title}: which model?` });
}
