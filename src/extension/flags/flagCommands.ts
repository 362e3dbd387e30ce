import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { ageWords, plainLine } from '../../core/base/words.ts';
import {
  DEFAULT_STAGES, everyoneShare, planPromote, planRollback, planSetRollout, planSwitchOff, planSwitchOn, rollbackTargets, type ChangeNote, type FlagReading,
} from '../../core/flags/planner.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { describeRollout } from '../../core/flags/rollout.ts';
import { flagTimeline } from '../../core/flags/timeline.ts';
import { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import { showError } from '../platform/errors.ts';
import { changeFlag, readFlag, restoreOffer, shortTarget, type ChangeParts, type FlagRef, type Offer } from './changeFlow.ts';
import { armWords, environmentNames, flagFacts, rolloutIn } from './facts.ts';
import type { FlagTree } from './flagTree.ts';
import type { HistoryDocuments } from './historyDocument.ts';

/** The flag that the text cursor stands on, for commands that come without an argument. */
export type FlagUnderCursor = (editor: vscode.TextEditor) => string | undefined;

export interface FlagCommandParts extends ChangeParts {
  readonly tree: FlagTree;
  readonly flagUnderCursor: FlagUnderCursor;
  readonly histories: HistoryDocuments;
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

  onRef(Command.promote, (ref) => changeFlag(parts, ref, 'Promote', (reading) => promoteOffer(parts, ref, reading)));
  onRef(Command.rollBack, (ref) => changeFlag(parts, ref, 'Roll back', (reading) => rollBackOffer(parts, ref, reading)));
  onRef(Command.setRollout, (ref) => setRollout(parts, ref));
  onRef(Command.enableEnvironment, (ref) => changeFlag(parts, ref, 'Enable environment', (reading) => ({ verb: `Switch ${ref.environment} On`, plan: planSwitchOn(reading, ref.environment) })));
  onRef(Command.disableEnvironment, (ref) => changeFlag(parts, ref, 'Disable environment', (reading) => ({ verb: `Switch ${ref.environment} Off`, plan: planSwitchOff('disable', reading, [ref.environment]) })));
  onFlag(Command.killSwitch, (ref) => killSwitch(parts, ref));
  onFlag(Command.showHistory, async (ref) => parts.histories.show(await readFlag(ref)));
  onFlag(Command.restoreState, (ref) => restoreState(parts, ref));
  onFlag(Command.copyKey, async ({ flag }) => vscode.env.clipboard.writeText(flag));
  onFlag(Command.openInUnleash, async (ref) => vscode.env.openExternal(unleashPage(ref)));
  onFlag(Command.revealFlag, ({ connection, flag }) => parts.tree.reveal(connection, flag));
  register(Command.refresh, () => parts.connections.refresh());
  register(Command.filterFlags, () => filterFlags(parts.tree));
  commands.add(vscode.commands.registerCommand(Command.clearFilter, () => parts.tree.setFilter('')));
  commands.add(vscode.commands.registerCommand(Command.loadMore, (connection: unknown) => {
    if (connection instanceof Connection) parts.tree.loadMore(connection);
  }));
  return commands;
}

function note(parts: FlagCommandParts, ref: FlagRef): ChangeNote {
  return { version: armWords(flagFacts(parts.connections, ref.connection, ref.flag)) };
}

function promoteOffer(parts: FlagCommandParts, ref: FlagRef, reading: FlagReading): Offer {
  const plan = planPromote(reading, ref.environment, note(parts, ref));
  return { verb: `Promote to ${shortTarget(plan)}`, plan };
}

/** The nearest state that exposes less; only where there is none, the state just before, which may expose more. */
function rollBackOffer(parts: FlagCommandParts, ref: FlagRef, reading: FlagReading): Offer {
  const { lower, previous } = rollbackTargets(reading, ref.environment);
  if (lower === undefined && previous !== undefined) return restoreOffer(reading, ref.environment, previous.environment);
  const plan = planRollback(reading, ref.environment, note(parts, ref));
  return { verb: `Roll Back to ${shortTarget(plan)}`, plan };
}

async function setRollout(parts: FlagCommandParts, ref: FlagRef): Promise<void> {
  const facts = flagFacts(parts.connections, ref.connection, ref.flag);
  const environment = facts.flag && environmentOf(facts.flag, ref.environment);
  const current = environment === undefined || facts.snapshot === undefined ? 0 : everyoneShare(environment, facts.snapshot.segments);
  const rollout = rolloutIn(facts, ref.environment);
  const answers = await new InputFlow(`Set rollout of ${plainLine(ref.flag)} in ${ref.environment}`, 1).run([{
    prompt: `Per cent of everyone, now ${rollout === undefined ? 'unknown' : describeRollout(rollout)}; usual stages: ${DEFAULT_STAGES.join(', ')}`,
    placeholder: '0 to 100',
    value: () => String(current),
    validate: (value) => Promise.resolve(/^\s*\d{1,3}\s*%?\s*$/.test(value) && Number.parseInt(value, 10) <= 100 ? undefined : 'A whole number from 0 to 100'),
  }]);
  if (answers === undefined) return;
  const percent = Number.parseInt(answers[0] ?? '', 10);
  await changeFlag(parts, ref, 'Set rollout', (reading) => {
    const plan = planSetRollout(reading, ref.environment, percent, note(parts, ref));
    return { verb: `Set to ${shortTarget(plan)}`, plan };
  });
}

async function killSwitch(parts: FlagCommandParts, ref: FlagRef): Promise<void> {
  const facts = flagFacts(parts.connections, ref.connection, ref.flag);
  const names = environmentNames(facts);
  // What is shown may be old: where all seem off one may still ask, and the fresh reading decides.
  const on = names.filter((name) => rolloutIn(facts, name)?.on === true);
  const ordered = on.length > 0 ? on : names;
  const chosen = ordered.length === 1
    ? ordered[0]
    : await vscode.window.showQuickPick([...ordered, ALL_ENVIRONMENTS], { title: `Kill switch: ${plainLine(ref.flag)}`, placeHolder: 'Switch off in' });
  if (chosen === undefined) return;
  const environments = chosen === ALL_ENVIRONMENTS ? ordered : [chosen];
  await changeFlag(parts, ref, 'Kill switch', (reading) => ({ verb: 'Switch Off', plan: planSwitchOff('kill', reading, environments) }));
}

/** Any earlier state of any environment; going up is confirmed as such. */
async function restoreState(parts: FlagCommandParts, ref: FlagRef): Promise<void> {
  const { entries } = flagTimeline(await readFlag(ref));
  const items = entries.map((entry) => ({
    label: `${plainLine(entry.environment)}: ${entry.to}`,
    description: `${ageWords(Date.now() - Date.parse(entry.at))} by ${plainLine(entry.by)}`,
    detail: plainLine(entry.title),
    entry,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: `Restore a state of ${plainLine(ref.flag)}`, placeHolder: 'As it was after this change', matchOnDescription: true, matchOnDetail: true });
  if (chosen === undefined) return;
  const { environment, after } = chosen.entry;
  await changeFlag(parts, { ...ref, environment }, 'Restore', (reading) => restoreOffer(reading, environment, after));
}

async function filterFlags(tree: FlagTree): Promise<void> {
  const filter = await vscode.window.showInputBox({ title: 'Filter flags', prompt: 'Part of a name; empty shows all', value: tree.filter });
  if (filter !== undefined) tree.setFilter(filter);
}

function unleashPage({ connection, flag }: FlagRef): vscode.Uri {
  return vscode.Uri.parse(`${connection.baseUrl}/projects/${encodeURIComponent(connection.project)}/features/${encodeURIComponent(flag)}`, true);
}

/** What a command is about: its argument, else the flag under the cursor, else a choice that starts with the models. */
export async function resolveRef(parts: FlagCommandParts, argument: unknown, needsEnvironment: boolean): Promise<FlagRef | undefined> {
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

async function pickFlag({ connections, flagUnderCursor }: FlagCommandParts): Promise<PartialRef | undefined> {
  const editor = vscode.window.activeTextEditor;
  const under = editor && flagUnderCursor(editor);
  const here = connections.targetFor(editor?.document.uri) ?? connections.targets[0];
  if (under !== undefined && here?.connection.session?.store.snapshot?.flags.has(under) === true) return { connection: here.connection, flag: under };
  const picks = connections.all.flatMap((connection) =>
    [...connection.session?.store.snapshot?.flags.keys() ?? []].map((flag) => ({ connection, flag, facts: flagFacts(connections, connection, flag) })));
  if (picks.length === 0) throw new AppError('auth', 'No flags are loaded: connect to Unleash first.');
  const items = picks
    .toSorted((a, b) => Number(b.facts.mapping !== undefined) - Number(a.facts.mapping !== undefined) || (a.flag < b.flag ? -1 : 1))
    .map(({ connection, flag, facts }) => {
      const rollout = rolloutIn(facts, facts.mainEnvironment);
      return { label: plainLine(flag), description: `${facts.mainEnvironment} ${rollout === undefined ? '' : describeRollout(rollout)} ${armWords(facts) ?? ''}`, connection, flag };
    });
  const chosen = await vscode.window.showQuickPick(items, { title: 'Which flag?', matchOnDescription: true });
  return chosen && { connection: chosen.connection, flag: chosen.flag };
}

async function pickEnvironment({ connection, flag }: PartialRef, names: readonly string[], connections: Connections): Promise<string | undefined> {
  const facts = flagFacts(connections, connection, flag);
  const items = names.map((name) => {
    const rollout = rolloutIn(facts, name);
    return { label: name, description: rollout === undefined ? '' : describeRollout(rollout) };
  });
  return (await vscode.window.showQuickPick(items, { title: `${plainLine(flag)}: which environment?` }))?.label;
}
