import * as vscode from 'vscode';
import { ageWords, escapeMarkdown, plainLine } from '../../core/base/words.ts';
import { evidenceBadges, evidenceOf } from '../../core/models/evidence.ts';
import type { Lineage } from '../../core/models/lineage.ts';
import type { ModelVersion, RegisteredModel, VersionDetail } from '../../core/models/model.ts';
import type { Reading } from '../../core/models/modelSnapshot.ts';
import type { StageStatus } from '../../core/models/pipelineState.ts';
import { Command } from '../ids.ts';
import { stageWords } from '../pipelines/retrain.ts';
import type { ModelEntryNode, ModelLineNode, ModelNode, VersionNode } from './modelNodes.ts';
import type { RegistryConnection } from './registryConnection.ts';
import { outingSentence, outingWords, type Outing } from './whereOut.ts';

const MOST_FACTS = 12;

export function registryItem({ place: { kind, location } }: RegistryConnection): vscode.TreeItem {
  const item = new vscode.TreeItem(plainLine(kind === 'mlflow' ? URL.parse(location)?.host ?? location : location), vscode.TreeItemCollapsibleState.Expanded);
  item.iconPath = new vscode.ThemeIcon('server');
  item.tooltip = plainLine(location, 500);
  return item;
}

export function modelItem({ registered, model }: ModelEntryNode, { value, error }: Reading<RegisteredModel>): vscode.TreeItem {
  const isGone = value === undefined && error !== undefined;
  const item = new vscode.TreeItem(plainLine(registered), isGone && model === undefined ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Collapsed);
  const state = isGone ? error.code === 'notFound' ? 'not in the registry' : error.message : value === undefined ? '' : aliasWords(value);
  item.description = plainLine(state);
  item.iconPath = isGone ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')) : new vscode.ThemeIcon('package', model === undefined ? undefined : new vscode.ThemeColor('charts.blue'));
  item.contextValue = ['model', model === undefined ? 'plain' : 'mapped'].join(' ');
  item.tooltip = [plainLine(registered, 300), plainLine(value?.description ?? '', 500), isGone ? plainLine(error.message, 500) : '', ...facts(value?.tags ?? {})].filter((line) => line !== '').join('\n');
  item.accessibilityInformation = { label: plainLine(`model ${plainLine(registered)}, ${state}`, 400) };
  return item;
}

function aliasWords({ aliases, latestVersion }: RegisteredModel): string {
  if (aliases.length > 0) return aliases.map(({ alias, version }) => `${alias} ${version}`).join(' · ');
  return latestVersion === undefined ? '' : `latest ${latestVersion}`;
}

/** What the line of a version tells, in this order: aliases, state, where it is out, evidence, whether it should be trained anew. */
export function versionItem(node: VersionNode, version: ModelVersion | undefined, outings: readonly Outing[], lineage: Lineage | undefined): vscode.TreeItem {
  const item = new vscode.TreeItem(plainLine(node.version), vscode.TreeItemCollapsibleState.None);
  const status = version?.status ?? 'ready';
  const stale = lineage === undefined || lineage.verdict === 'up to date' || lineage.verdict === 'unknown' ? '' : lineage.verdict;
  const words = [version?.aliases.join(', ') ?? '', status === 'ready' ? '' : status, ...outings.map(outingWords), ...evidenceBadges(version?.tags ?? {}), stale].filter((part) => part !== '').map((part) => plainLine(part));
  item.description = words.join(' · ');
  item.iconPath = versionIcon(status, outings);
  item.contextValue = ['version', status, outings.length > 0 ? 'out' : '', node.model === undefined ? '' : 'mapped', stale === '' ? '' : 'stale'].filter((token) => token !== '').join(' ');
  item.command = { title: 'Show Version', command: Command.showVersion, arguments: [node] };
  item.accessibilityInformation = { label: plainLine(`version ${plainLine(node.version)} of ${plainLine(node.registered)}, ${words.join(', ')}`, 400) };
  return item;
}

function versionIcon(status: ModelVersion['status'], outings: readonly Outing[]): vscode.ThemeIcon {
  if (status === 'failed') return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  if (status === 'pending') return new vscode.ThemeIcon('clock');
  if (outings.length === 0) return new vscode.ThemeIcon('tag');
  const isLive = outings.some(({ environments: [first] }) => first?.isLive === true);
  return new vscode.ThemeIcon(isLive ? 'circle-filled' : 'circle-outline', isLive ? new vscode.ThemeColor('charts.green') : undefined);
}

/** Everything at a glance, when somebody points at a version; text of the registry stays text. */
export function versionTooltip(detail: VersionDetail, outings: readonly Outing[], lineage: Lineage | undefined): vscode.MarkdownString {
  const line = (text: string): string => escapeMarkdown(plainLine(text, 300));
  const list = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : [`**${title}**\n${lines.map((each) => `\n- ${line(each)}`).join('')}`]);
  const sections = [
    `**${line(`${detail.model} ${detail.version}`)}**${detail.aliases.length === 0 ? '' : ` ${line(detail.aliases.join(', '))}`}`,
    ...(detail.description === '' ? [] : [line(detail.description)]),
    ...list('Out', outings.map(outingSentence)),
    ...list('Metrics', facts(detail.metrics)),
    ...list('Parameters', facts(detail.params)),
    ...list('Data', detail.datasets.map(({ name, digest, context }) => `${name}${context === undefined ? '' : ` (${context})`} ${digest}`)),
    ...list('Evidence', facts(evidenceOf(detail.evidence))),
    ...(lineage === undefined ? [] : list(`Lineage: ${escapeMarkdown(lineage.verdict)}`, lineage.reasons.slice(0, MOST_FACTS))),
    ...list('Not known', detail.gaps),
  ];
  return new vscode.MarkdownString(sections.join('\n\n'));
}

function facts(values: Readonly<Record<string, string | number>>): string[] {
  const all = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => plainLine(`${name}: ${value}`, 200));
  return all.length > MOST_FACTS ? [...all.slice(0, MOST_FACTS), `${all.length - MOST_FACTS} more`] : all;
}

export function pipelineItem(): vscode.TreeItem {
  const item = new vscode.TreeItem('Pipeline', vscode.TreeItemCollapsibleState.Collapsed);
  item.iconPath = new vscode.ThemeIcon('list-tree');
  item.contextValue = 'pipeline';
  return item;
}

export function stageItem({ stage, status }: Extract<ModelNode, { kind: 'stage' }>): vscode.TreeItem {
  const item = new vscode.TreeItem(plainLine(stage));
  item.description = stageWords(status);
  item.iconPath = stageIcon(status);
  item.tooltip = [plainLine(stage, 300), plainLine(status.state), ...status.changes.slice(0, 40).map(({ what, path, name, state }) => plainLine(`${what} ${name === undefined ? path : `${path}: ${name}`}, ${state}`, 300)), plainLine(status.reason ?? '', 500)].filter((line) => line !== '').join('\n');
  item.contextValue = ['stage', status.state === 'up to date' && status.upstream.length === 0 ? 'fresh' : 'stale'].join(' ');
  item.accessibilityInformation = { label: plainLine(`stage ${plainLine(stage)}, ${stageWords(status)}`, 400) };
  return item;
}

function stageIcon({ state, upstream }: StageStatus): vscode.ThemeIcon {
  if (state === 'not evaluated') return new vscode.ThemeIcon('question', new vscode.ThemeColor('list.warningForeground'));
  if (state === 'never run') return new vscode.ThemeIcon('circle-outline');
  if (state === 'up to date' && upstream.length === 0) return new vscode.ThemeIcon('pass', new vscode.ThemeColor('charts.green'));
  return new vscode.ThemeIcon('sync', new vscode.ThemeColor('charts.yellow'));
}

export function lineItem(node: ModelLineNode): vscode.TreeItem {
  const item = new vscode.TreeItem(plainLine(node.label, 200));
  if (node.description !== undefined) item.description = plainLine(node.description, 200);
  if (node.tooltip !== undefined) item.tooltip = plainLine(node.tooltip, 1000);
  if (node.command !== undefined) item.command = node.command;
  item.iconPath = new vscode.ThemeIcon(node.icon, node.icon === 'warning' ? new vscode.ThemeColor('list.warningForeground') : undefined);
  return item;
}

/** Why something cannot be shown, and what to do; `readAt`: when what is shown all the same was read. */
export function failureLine(id: string, { message, code }: { readonly message: string; readonly code: string }, at: { readonly readAt?: number | undefined; readonly failedAt?: number | undefined }): ModelLineNode {
  const age = at.readAt !== undefined ? `shown is what was read ${ageWords(Date.now() - at.readAt)}` : at.failedAt !== undefined ? `asked ${ageWords(Date.now() - at.failedAt)}` : undefined;
  return {
    kind: 'line', id, label: message, tooltip: message, icon: 'warning',
    ...(age === undefined ? {} : { description: age }),
    command: code === 'auth' ? { title: 'Sign In', command: Command.registrySignIn } : { title: 'Try Again', command: Command.refreshModels },
  };
}
