import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { Arm } from '../../core/suites/load.ts';
import { newSuiteText } from '../../core/suites/newSuite.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { suitePaths } from '../../adapters/suites/suitesOnDisk.ts';
import { Command } from '../ids.ts';
import type { VersionNode } from '../models/modelNodes.ts';
import { requireTrust } from '../platform/trust.ts';
import { registryOf } from '../models/registryOf.ts';
import { isSuite } from './suiteItems.ts';
import type { RunOptions, RunSummary, SuitesFeature } from './suitesFeature.ts';
import type { SuiteTarget, SuiteTestsParts } from './suiteTests.ts';

/** A model of a folder's `modelswitch.yaml`. */
interface MappedModel {
  readonly folder: vscode.WorkspaceFolder;
  readonly mapping: ModelMapping;
}

const TARGETS: readonly { readonly label: string; readonly description: string; readonly target: SuiteTarget }[] = [
  { label: 'Candidate', description: 'what serves where the flag is on', target: 'candidate' },
  { label: 'Current', description: 'what serves where it is off', target: 'current' },
  { label: 'Both', description: 'and how they differ', target: 'both' },
];

/** What each command of suites does, by its id. */
export function suiteCommands(parts: SuiteTestsParts, feature: SuitesFeature): Readonly<Record<string, (argument: unknown) => Promise<unknown>>> {
  return {
    [Command.runSuites]: (argument) => runSuites(feature, argument),
    [Command.runModelSuites]: (argument) => runModelSuites(parts, feature, argument),
    [Command.newSuite]: (argument) => newSuite(parts, feature, argument),
  };
}

async function runAs(feature: SuitesFeature, include: readonly vscode.TestItem[] | undefined, target: SuiteTarget, options: RunOptions = {}): Promise<RunSummary | undefined> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'Running suites...', cancellable: true }, (_progress, token) => feature.run(new vscode.TestRunRequest(include), target, token, options));
}

/** All suites, or the one that is named by its address; against what is asked for. */
async function runSuites(feature: SuitesFeature, argument: unknown): Promise<RunSummary | undefined> {
  requireTrust();
  const chosen = await vscode.window.showQuickPick(TARGETS, { title: 'Run behavioural suites against', placeHolder: 'Which version?' });
  if (chosen === undefined) return undefined;
  await feature.items.discover();
  const include = argument instanceof vscode.Uri && isSuite(argument) ? [feature.items.fileItem(argument)] : undefined;
  if (include === undefined && feature.controller.items.size === 0) throw new AppError('notFound', 'There is no *.mltest.yaml in this workspace: make one with "New Suite from Signature".');
  return tell(await runAs(feature, include, chosen.target));
}

/** What a run came to, in a sentence. */
function tell(summary: RunSummary | undefined): RunSummary | undefined {
  if (summary === undefined) return undefined;
  const show = summary.verdict === 'passed' ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const words = [`Suites: ${summary.verdict}.`, ...summary.recorded.map((line) => `${line}.`)].join(' ');
  void show(plainLine(words, 1000), 'Show Results').then((chosen) => (chosen === undefined ? undefined : vscode.commands.executeCommand('testing.showMostRecentOutput')));
  return summary;
}

/** The suites of a mapped model against its candidate, or against the version of the node; written down as evidence, for that is what one runs them for. */
async function runModelSuites(parts: SuiteTestsParts, feature: SuitesFeature, argument: unknown): Promise<RunSummary | undefined> {
  requireTrust();
  const model = await resolveModel(parts, argument, 'Run the suites of which model?', ({ suites = [] }) => suites.length > 0);
  if (model === undefined) return undefined;
  const { folder, mapping } = model;
  const paths = await suitePaths(folder.uri.fsPath, mapping.suites ?? []);
  if (mapping.suites === undefined || paths.length === 0) throw new AppError('notFound', `${plainLine(mapping.name, 60)} has no suites: name them in modelswitch.yaml (suites: [tests/*.mltest.yaml]), or make one with "New Suite from Signature".`);
  const include = paths.map((path) => feature.items.fileItem(vscode.Uri.joinPath(folder.uri, path)));
  const { target, versions } = await sideOf(parts, model, argument);
  return tell(await runAs(feature, include, target, { record: true, ...(versions === undefined ? {} : { versions }) }));
}

/** A version of the tree is run as what it is: candidate, current, or in the place of the candidate. */
async function sideOf({ registries }: SuiteTestsParts, { folder, mapping }: MappedModel, argument: unknown): Promise<{ readonly target: SuiteTarget; readonly versions?: Readonly<Partial<Record<Arm, string>>> }> {
  if (!isNode(argument) || argument.kind !== 'version' || mapping.registeredModel === undefined) return { target: 'candidate' };
  const { version } = argument as VersionNode;
  const registry = await registryOf(folder, registries);
  for (const target of ['candidate', 'current'] as const) {
    const found = await registry.readVersion(mapping.registeredModel, mapping[target]).catch(() => undefined);
    if (found?.version === version) return { target };
  }
  return { target: 'candidate', versions: { candidate: version } };
}

function isNode(value: unknown): value is { readonly kind: string; readonly folder?: string; readonly model?: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}

function isMapped(models: readonly MappedModel[], flag: string | undefined): boolean {
  return models.some(({ mapping }) => mapping.switches.some((entry) => entry.flag === flag));
}

/** The model that a command is about: that of the tree's node, that of a flag, also of the one under the cursor, the only one, or a choice. */
async function resolveModel({ files, flagUnderCursor }: SuiteTestsParts, argument: unknown, title: string, fits: (mapping: ModelMapping) => boolean): Promise<MappedModel | undefined> {
  await files.ready;
  const all = (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => (files.of(folder)?.file.config?.models ?? []).map((mapping): MappedModel => ({ folder, mapping })));
  if (isNode(argument) && argument.model !== undefined) {
    const found = all.find(({ folder, mapping }) => mapping.name === argument.model && (argument.folder === undefined || folder.uri.toString() === argument.folder));
    if (found !== undefined) return found;
  }
  if (isNode(argument) && argument.kind !== 'flag') throw new AppError('notFound', 'modelswitch.yaml maps no model to this one: its suites are not known.');
  const editor = vscode.window.activeTextEditor;
  const under = argument === undefined && editor !== undefined ? flagUnderCursor(editor) : undefined;
  const flag = typeof argument === 'object' && argument !== null && 'flag' in argument ? argument.flag : isMapped(all, under) ? under : undefined;
  const possible = all.filter(({ mapping }) => (flag === undefined || mapping.switches.some((entry) => entry.flag === flag)) && fits(mapping));
  if (possible.length <= 1) {
    if (possible.length === 0) throw new AppError('notFound', 'No model of modelswitch.yaml has suites here: name them (suites: [tests/*.mltest.yaml]).');
    return possible[0];
  }
  const chosen = await vscode.window.showQuickPick(possible.map((model) => ({ label: plainLine(model.mapping.name), description: plainLine(model.mapping.suites?.join(', ') ?? ''), model })), { title });
  return chosen?.model;
}

/** A first suite, from the signature of the candidate or of the node's version: shown before it is saved where it is to be. */
async function newSuite(parts: SuiteTestsParts, feature: SuitesFeature, argument: unknown): Promise<vscode.Uri | undefined> {
  requireTrust();
  const model = await resolveModel(parts, argument, 'New suite for which model?', ({ registeredModel }) => registeredModel !== undefined);
  if (model === undefined) return undefined;
  const { folder, mapping } = model;
  if (mapping.registeredModel === undefined) throw new AppError('validation', `${plainLine(mapping.name, 60)} has no registered_model in modelswitch.yaml: its signature is not known.`);
  const registry = await registryOf(folder, parts.registries);
  const version = isNode(argument) && argument.kind === 'version' ? (argument as VersionNode).version : mapping.candidate;
  const { signature, version: number } = await registry.readVersion(mapping.registeredModel, version);
  const text = newSuiteText({ model: mapping.name, registered: mapping.registeredModel, version: number, signature, servable: registry.kind !== 'file' });
  const uri = await freeFile(folder, mapping);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  await feature.items.resolve(feature.items.fileItem(uri));
  return uri;
}

/** Where the model's suites are: the folder of its first pattern, else `suites`; a name that is not taken. */
async function freeFile({ uri }: vscode.WorkspaceFolder, { name, suites: [first] = [] }: ModelMapping): Promise<vscode.Uri> {
  const place = first === undefined || first.includes('..') || first.startsWith('/') ? 'suites' : first.split('/').slice(0, -1).filter((part) => !/[*?]/.test(part)).join('/');
  const base = name.replace(/[^\w.-]+/g, '-');
  for (let number = 1; ; number += 1) {
    const file = vscode.Uri.joinPath(uri, place, `${base}${number === 1 ? '' : `-${number}`}.mltest.yaml`);
    if (await vscode.workspace.fs.stat(file).then(() => false, () => true)) return file;
  }
}
