import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { ageWords, plainLine } from '../../core/base/words.ts';
import type { Audience } from '../../core/flags/audienceTarget.ts';
import { planPromote, planRollback, planSwitchOff, planSwitchOn, rollbackTargets, type ChangeNote, type FlagReading } from '../../core/flags/planner.ts';
import { describeRollout } from '../../core/flags/rollout.ts';
import { planUndo } from '../../core/flags/undo.ts';
import { flagTimeline, type RolloutEntry } from '../../core/flags/timeline.ts';
import { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import { requireTrust } from '../platform/trust.ts';
import { changeFlag, restoreOffer, shortTarget, type ChangeParts, type FlagRef, type Offer } from './changeFlow.ts';
import { armWords, environmentNames, flagFacts, rolloutIn } from './facts.ts';
import type { StateNode } from './flagNodes.ts';
import type { FlagTree } from './flagTree.ts';
import type { FlagHistories } from './histories.ts';
import type { HistoryDocuments } from './historyDocument.ts';
import { setRollout, setWeights } from './rolloutCommands.ts';
import { changeShadow } from './shadowCommands.ts';
import { makeSafeDefault } from './safeDefaultCommand.ts';

/** The flag that the text cursor stands on, for commands that come without an argument. */
export type FlagUnderCursor = (editor: vscode.TextEditor) => string | undefined;

export interface FlagCommandParts extends ChangeParts {
  readonly tree: FlagTree;
  readonly flagUnderCursor: FlagUnderCursor;
  readonly histories: FlagHistories;
  readonly historyDocuments: HistoryDocuments;
}

const ALL_ENVIRONMENTS = 'All environments';

/** Promote, set, roll back, kill and the rest: by palette, lens and tree. */
export function registerFlagCommands(parts: FlagCommandParts): Disposable {
  const commands = new DisposableStore();
  const register = (id: string, run: (...args: unknown[]) => Promise<unknown>): void => {
    commands.add(vscode.commands.registerCommand(id, (...args: unknown[]) => run(...args).catch((error: unknown) => showError(parts.log, 'Modelswitch', error))));
  };
  const onRef = (id: string, run: (ref: FlagRef) => Promise<unknown>): void =>
    register(id, async (argument) => {
      const ref = await resolveRef(parts, argument, true);
      return ref === undefined ? undefined : run(ref);
    });
  const onFlag = (id: string, run: (ref: FlagRef) => Promise<unknown>): void =>
    register(id, async (argument) => {
      const ref = await resolveRef(parts, argument, false);
      return ref === undefined ? undefined : run(ref);
    });

  onRef(Command.promote, (ref) => changeFlag(parts, ref, 'Promote', (reading, reason) => promoteOffer(parts, ref, reading, reason)));
  onRef(Command.rollBack, (ref) => changeFlag(parts, ref, 'Roll back', (reading, reason) => ({ ...rollBackOffer(parts, ref, reading, reason), instead: killInstead(ref) })));
  register(Command.undoChange, async (argument) => {
    const ref = await resolveRef(parts, argument, false);
    return ref === undefined ? undefined : changeFlag(parts, ref, 'Undo', (reading, reason) => undoOffer(reading, { ...note(parts, ref), reason }, refOf(argument)?.environment));
  });
  register(Command.setRollout, async (argument) => {
    const ref = await resolveRef(parts, argument, true);
    return ref === undefined ? undefined : setRollout(parts, ref, audienceOf(argument), note(parts, ref));
  });
  onRef(Command.setWeights, (ref) => setWeights(parts, ref, note(parts, ref)));
  register(Command.safeDefault, async (argument) => {
    const connection = refOf(argument)?.connection ?? await pickConnection(parts.connections);
    return connection === undefined ? undefined : makeSafeDefault(parts, connection);
  });
  onRef(Command.enableEnvironment, (ref) => changeFlag(parts, ref, 'Enable environment', (reading, reason) => ({ verb: `Switch ${ref.environment} On`, plan: planSwitchOn(reading, ref.environment, { reason }) })));
  onRef(Command.disableEnvironment, (ref) => changeFlag(parts, ref, 'Disable environment', (reading) => ({ verb: `Switch ${ref.environment} Off`, plan: planSwitchOff('disable', reading, [ref.environment]) })));
  onRef(Command.shadowOn, (ref) => changeShadow(parts, ref, 'on'));
  onRef(Command.shadowOff, (ref) => changeShadow(parts, ref, 'off'));
  onRef(Command.shadowSampling, (ref) => changeShadow(parts, ref, 'sampling'));
  onFlag(Command.killSwitch, (ref) => killSwitch(parts, ref));
  onFlag(Command.showHistory, ({ connection, flag }) => parts.historyDocuments.show(connection, flag));
  onFlag(Command.restoreState, (ref) => restoreState(parts, ref));
  register(Command.restoreThisState, async (argument) => {
    const ref = refOf(argument);
    const entry = (argument as Partial<StateNode> | undefined)?.entry;
    return ref === undefined || entry === undefined ? undefined : restoreEntry(parts, ref, entry);
  });
  onFlag(Command.copyKey, async ({ flag }) => vscode.env.clipboard.writeText(flag));
  onFlag(Command.openInUnleash, async (ref) => vscode.env.openExternal(unleashPage(ref)));
  onFlag(Command.revealFlag, ({ connection, flag }) => parts.tree.reveal(connection, flag));
  register(Command.refresh, () => refresh(parts));
  register(Command.filterFlags, () => filterFlags(parts.tree));
  commands.add(vscode.commands.registerCommand(Command.clearFilter, () => parts.tree.setFilter('')));
  commands.add(vscode.commands.registerCommand(Command.loadMore, (connection: unknown) => {
    if (connection instanceof Connection) parts.tree.loadMore(connection);
  }));
  return commands;
}

/** An untrusted workspace has no connections: nothing would happen, and nobody would know why. */
async function refresh({ connections }: FlagCommandParts): Promise<void> {
  requireTrust();
  await connections.refresh();
}

function note(parts: FlagCommandParts, ref: FlagRef): ChangeNote {
  return { version: armWords(flagFacts(parts.connections, ref.connection, ref.flag)) };
}

function promoteOffer(parts: FlagCommandParts, ref: FlagRef, reading: FlagReading, reason: string | undefined): Offer {
  const plan = planPromote(reading, ref.environment, { ...note(parts, ref), reason });
  return { verb: `Promote to ${shortTarget(plan)}`, plan };
}

/** The nearest state that exposes less; only where there is none, the state just before, which may expose more. */
function rollBackOffer(parts: FlagCommandParts, ref: FlagRef, reading: FlagReading, reason: string | undefined): Offer {
  const { lower, previous } = rollbackTargets(reading, ref.environment);
  if (lower === undefined && previous !== undefined) return restoreOffer(reading, ref.environment, previous.environment, reason);
  const plan = planRollback(reading, ref.environment, note(parts, ref));
  return { verb: `Roll Back to ${shortTarget(plan)}`, plan };
}

/** Who is in a hurry finds the kill switch beside a roll back, from the lens too. */
function killInstead(ref: FlagRef): Offer['instead'] {
  return { verb: 'Kill Switch...', run: () => void vscode.commands.executeCommand(Command.killSwitch, ref) };
}

/** What the last change made other, the other way round; without an environment the one that was changed last. */
function undoOffer(reading: FlagReading, why: ChangeNote, environment: string | undefined): Offer {
  const plan = planUndo(reading, why, environment);
  return { verb: `Undo: Restore ${shortTarget(plan)}`, plan };
}

async function killSwitch(parts: FlagCommandParts, ref: FlagRef): Promise<void> {
  const facts = flagFacts(parts.connections, ref.connection, ref.flag);
  const names = environmentNames(facts);
  // What is shown may be old: where all seem off one may still ask, and the fresh reading decides.
  const on = names.filter((name) => rolloutIn(facts, name)?.on === true);
  const ordered = on.length > 0 ? on : names;
  const items = [...ordered.map((name) => ({ label: plainLine(name), environments: [name] })), { label: ALL_ENVIRONMENTS, environments: ordered }];
  const chosen = ordered.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title: `Kill switch: ${plainLine(ref.flag)}`, placeHolder: 'Switch off in' });
  if (chosen === undefined) return;
  const { environments } = chosen;
  await changeFlag(parts, ref, 'Kill switch', (reading) => ({ verb: 'Switch Off', plan: planSwitchOff('kill', reading, environments) }));
}

/** Any earlier state of any environment; going up is confirmed as such. */
async function restoreState(parts: FlagCommandParts, ref: FlagRef): Promise<void> {
  const { entries } = flagTimeline(await parts.histories.read(ref.connection, ref.flag));
  const items = entries.filter((entry) => entry.kind === 'rollout').map((entry) => ({
    label: `${plainLine(entry.environment)}: ${entry.to}`,
    description: `${ageWords(Date.now() - Date.parse(entry.at))} by ${plainLine(entry.by)}`,
    detail: plainLine(entry.title),
    entry,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: `Restore a state of ${plainLine(ref.flag)}`, placeHolder: 'As it was after this change', matchOnDescription: true, matchOnDetail: true });
  if (chosen === undefined) return;
  await restoreEntry(parts, ref, chosen.entry);
}

async function restoreEntry(parts: FlagCommandParts, { connection, flag }: PartialRef, { environment, after }: RolloutEntry): Promise<void> {
  await changeFlag(parts, { connection, flag, environment }, 'Restore', (reading, reason) => restoreOffer(reading, environment, after, reason));
}

async function filterFlags(tree: FlagTree): Promise<void> {
  const filter = await vscode.window.showInputBox({ title: 'Filter flags', prompt: 'Part of a name; empty shows all', value: tree.filter });
  if (filter !== undefined) tree.setFilter(filter);
}

function unleashPage({ connection, flag }: FlagRef): vscode.Uri {
  return vscode.Uri.parse(`${connection.baseUrl}/projects/${encodeURIComponent(connection.project)}/features/${encodeURIComponent(flag.replace(/\p{Cs}/gu, '\ufffd'))}`, true);
}

/** What a command is about: its argument, else the flag under the cursor, else a choice that starts with the models. */
export async function resolveRef(parts: Pick<FlagCommandParts, 'connections' | 'flagUnderCursor'>, argument: unknown, needsEnvironment: boolean): Promise<FlagRef | undefined> {
  const given = refOf(argument);
  const flag = given ?? await pickFlag(parts);
  if (flag === undefined) return undefined;
  const facts = flagFacts(parts.connections, flag.connection, flag.flag);
  if (flag.environment !== undefined) return { ...flag, environment: flag.environment };
  const names = environmentNames(facts);
  const environment = given === undefined && needsEnvironment && names.length > 1 ? await pickEnvironment(flag, names, parts.connections) : facts.mainEnvironment;
  return environment === undefined ? undefined : { ...flag, environment };
}

interface PartialRef {
  readonly connection: Connection;
  readonly flag: string;
  readonly environment?: string;
}

/** A tree node or the argument of a lens. */
function refOf(argument: unknown): PartialRef | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  const { connection, flag, environment } = argument as Record<string, unknown>;
  if (!(connection instanceof Connection) || typeof flag !== 'string') return undefined;
  return { connection, flag, ...(typeof environment === 'string' ? { environment } : {}) };
}

/** The audience of a strategy's line in the tree. */
function audienceOf(argument: unknown): { readonly audience: Audience | undefined } | undefined {
  if (typeof argument !== 'object' || argument === null || !('audience' in argument)) return undefined;
  const { audience } = argument;
  if (typeof audience !== 'object' || audience === null || !('segment' in audience)) return { audience: undefined };
  const { segment } = audience;
  return { audience: typeof segment === 'number' || typeof segment === 'string' ? { segment } : undefined };
}

/** The server and project to change: the active editor's, or one of several. */
async function pickConnection(connections: Connections): Promise<Connection | undefined> {
  const here = connections.targetFor(vscode.window.activeTextEditor?.document.uri)?.connection;
  if (here !== undefined || connections.all.length <= 1) return here ?? connections.all[0] ?? noConnection();
  const items = connections.all.map((connection) => ({ label: plainLine(connection.project), description: connection.baseUrl, connection }));
  return (await vscode.window.showQuickPick(items, { title: 'Which project?' }))?.connection;
}

function noConnection(): never {
  throw new AppError('auth', 'Connect to Unleash first.');
}

async function pickFlag({ connections, flagUnderCursor }: Pick<FlagCommandParts, 'connections' | 'flagUnderCursor'>): Promise<PartialRef | undefined> {
  const editor = vscode.window.activeTextEditor;
  const under = editor && flagUnderCursor(editor);
  const here = connections.targetFor(editor?.document.uri) ?? connections.targets[0];
  if (under !== undefined && here?.connection.session?.store.snapshot?.flags.has(under) === true) return { connection: here.connection, flag: under };
  const picks = connections.all.flatMap((connection) =>
    [...connection.session?.store.snapshot?.flags.keys() ?? []].map((flag) => ({ connection, flag, facts: flagFacts(connections, connection, flag) })));
  if (picks.length === 0) requireTrust();
  if (picks.length === 0) throw new AppError('auth', 'No flags are loaded: connect to Unleash first.');
  const items = picks
    .toSorted((a, b) => Number(b.facts.mapping !== undefined) - Number(a.facts.mapping !== undefined) || (a.flag < b.flag ? -1 : 1))
    .map(({ connection, flag, facts }) => {
      const rollout = rolloutIn(facts, facts.mainEnvironment);
      return { label: plainLine(flag), description: plainLine(`${facts.mainEnvironment} ${rollout === undefined ? '' : describeRollout(rollout)} ${armWords(facts) ?? ''}`), connection, flag };
    });
  const chosen = await vscode.window.showQuickPick(items, { title: 'Which flag?', matchOnDescription: true });
  return chosen && { connection: chosen.connection, flag: chosen.flag };
}

async function pickEnvironment({ connection, flag }: PartialRef, names: readonly string[], connections: Connections): Promise<string | undefined> {
  const facts = flagFacts(connections, connection, flag);
  const items = names.map((name) => {
    const rollout = rolloutIn(facts, name);
    return { label: plainLine(name), description: rollout === undefined ? '' : describeRollout(rollout), name };
  });
  return (await vscode.window.showQuickPick(items, { title: `${plainLine(flag)}: which environment?` }))?.name;
}
