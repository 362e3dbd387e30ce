import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { countWords, plainLine } from '../../core/base/words.ts';
import type { ChangeKind, ChangePlan, EnvironmentChange } from '../../core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../core/flags/changeRunner.ts';
import { needsGates, overrideReason, type GateVerdict } from '../../core/releases/gates.ts';
import { lackingPermission } from '../../core/flags/permissions.ts';
import { planRestore, type FlagReading } from '../../core/flags/planner.ts';
import type { FlagEnvironment } from '../../core/flags/model.ts';
import { percentWords } from '../../core/flags/rollout.ts';
import type { Connection, Session } from '../connection/connection.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Confirmation, Prompts } from '../platform/prompts.ts';
import { settings } from '../platform/settings.ts';
import type { Connections } from '../connection/connections.ts';
import { flagFacts, observedShare } from './facts.ts';

/** A flag in one environment of a connection: what a command is about. */
export interface FlagRef {
  readonly connection: Connection;
  readonly flag: string;
  readonly environment: string;
}

export interface ChangeParts {
  readonly connections: Connections;
  readonly log: Log;
  readonly prompts: Prompts;
  readonly judge: JudgeRaise;
}

/** Asks the gates about a change that raises exposure, before anybody is asked to confirm it. */
export type JudgeRaise = (ref: FlagRef, plan: ChangePlan, reading: FlagReading) => Promise<GateVerdict>;

/** A plan to offer, with the verb on its button. */
export interface Offer {
  readonly verb: string;
  readonly plan: ChangePlan;
  /** What speaks for and against it, in lines: it is read before old and new. */
  readonly evidence?: readonly string[];
  readonly instead?: Confirmation['instead'];
}

/** What to ask, computed from a fresh reading. `reason`: why a gate is overridden, for the titles. */
export type Proposal = (reading: FlagReading, reason?: string) => Offer;

const PAST: Record<ChangeKind, string> = {
  promote: 'Promoted',
  'set rollout': 'Rollout set',
  'set weights': 'Variant weights set',
  'roll back': 'Rolled back',
  restore: 'Restored',
  kill: 'Switched off',
  enable: 'Switched on',
  disable: 'Switched off',
  start: 'Release started',
  're-pin': 'Re-pinned',
  're-arm': 'Re-armed',
  approve: 'Approved',
};

/**
 * Reads a flag afresh, shows old and new in a modal with the verb on the button, applies, and reports what was read
 * back. Every way to change a flag in the editor goes through here.
 */
export async function changeFlag(parts: ChangeParts, ref: FlagRef, context: string, propose: Proposal): Promise<ChangeOutcome | undefined> {
  try {
    requireWritable();
    const session = requireOpen(ref.connection);
    const reading = await readFlag(ref);
    const judged = await passGates(parts, ref, reading, propose);
    if (judged === undefined) return undefined;
    const { offer, warnings } = judged;
    const { plan } = offer;
    if (!(await confirm(parts, ref, offer, warnings))) return undefined;
    requireWritable();
    // Whoever signed out while the question was open does not want it answered in the old name.
    if (requireOpen(ref.connection) !== session) throw new AppError('conflict', 'The connection changed meanwhile: nothing was written.', { reason: 'session' });
    requirePermission(ref.connection, plan);
    const outcome = await withProgress(`Changing ${ref.flag}...`, (signal) => session.runner.apply(plan, signal));
    await session.store.expectChange();
    void report(parts, ref, plan, outcome);
    return outcome;
  } catch (error) {
    void showError(parts.log, context, error, remedies(error, ref));
    return undefined;
  }
}

/** The offer, with what the gates warn of; undefined when they block it and nobody overrides them. @throws AppError conflict where nobody can */
async function passGates(parts: ChangeParts, ref: FlagRef, reading: FlagReading, propose: Proposal): Promise<{ readonly offer: Offer; readonly warnings: readonly string[] } | undefined> {
  const offer = propose(reading);
  const [blocker] = offer.plan.blockers;
  if (blocker !== undefined) throw new AppError('conflict', blocker.message, { reason: 'blocked' });
  if (!needsGates(offer.plan)) return { offer, warnings: [] };
  const verdict = await parts.judge(ref, offer.plan, reading);
  if (verdict.kind !== 'block') return { offer, warnings: verdict.warnings };
  const reasons = verdict.blocks.flatMap((each) => each.reasons);
  const final = verdict.blocks.filter(({ overridable }) => !overridable);
  if (final.length > 0) throw new AppError('conflict', `Blocked by ${final.map(({ gate }) => gate).join(' and ')}. ${reasons.join(' ')}`, { reason: final.some(({ gate }) => gate === 'moved alias') ? 'movedAlias' : 'gate' });
  const names = verdict.blocks.map(({ gate }) => gate).join(' and ');
  const detail = [...reasons, ...verdict.warnings, 'One may go on with a reason; it is recorded in Unleash under your name.'].map((line) => plainLine(line, 300)).join('\n');
  if (!(await parts.prompts.confirm({ message: `${offer.verb}: ${plainLine(ref.flag)} is blocked by ${names}.`, detail, verb: 'Override...', ...insteadOf(verdict, ref) }))) return undefined;
  const reason = await parts.prompts.ask?.({ title: `Override ${names}`, prompt: 'Why? It goes into the title of the strategy.' });
  if (reason === undefined || reason.trim() === '') return undefined;
  return { offer: propose(reading, overrideReason(verdict, reason)), warnings: [...reasons.map((each) => `Overridden: ${each}`), ...verdict.warnings] };
}

/** Evidence that is missing can be had right away. */
function insteadOf({ blocks }: GateVerdict, { flag }: FlagRef): Pick<Confirmation, 'instead'> {
  return blocks.some(({ gate }) => gate === 'suites') ? { instead: { verb: 'Run Suites', run: () => void vscode.commands.executeCommand(Command.runModelSuites, { flag }) } } : {};
}

/** What one may do about a change that was refused. */
function remedies(error: unknown, ref: FlagRef): { title: string; command: string; arguments: unknown[] }[] {
  const reason = error instanceof AppError ? error.data['reason'] : undefined;
  if (reason === 'movedAlias') return [{ title: 'Re-Pin...', command: Command.repin, arguments: [ref] }, { title: 'Move Alias Back...', command: Command.moveAlias, arguments: [] }];
  if (reason === 'blocked') return [{ title: 'Switch Environment Off...', command: Command.disableEnvironment, arguments: [ref] }];
  if (reason === 'noEnabledStrategy') return [{ title: 'Set Rollout...', command: Command.setRollout, arguments: [ref] }, { title: 'Make 0 % the Safe Default...', command: Command.safeDefault, arguments: [ref] }];
  return [];
}

/** A flag afresh, with its events: what plans are computed from. */
export function readFlag({ connection, flag }: FlagRef): Promise<FlagReading> {
  const { runner } = requireOpen(connection);
  return withProgress(`Reading ${flag}...`, (signal) => runner.read(connection.project, flag, signal));
}

export function requireWritable(): void {
  if (settings.readOnly()) throw new AppError('forbidden', 'The setting modelswitch.readOnly switches every change off.', { reason: 'readOnly' });
}

/** Before the first call: a change that would be refused in its middle is not begun. */
function requirePermission({ identity, project }: Connection, plan: ChangePlan): void {
  const lacking = identity === undefined ? undefined : lackingPermission(identity, plan, project);
  if (lacking === undefined) return;
  throw new AppError('forbidden', `You may not do this: your Unleash user lacks the permission ${lacking.permission} in ${lacking.environment}. Nothing was written.`, lacking);
}

export function requireOpen(connection: Connection): Session {
  const { session, state, origin } = connection;
  if (session !== undefined && state.kind === 'connected') return session;
  throw state.kind === 'failed' ? state.error : new AppError('auth', `Not connected to ${origin}: connect with a personal access token first.`, { origin });
}

/** A notification appears only for work that takes longer than two seconds; it can be cancelled. */
export function withProgress<T>(title: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const running = work(abort.signal);
  const slow = setTimeout(() => {
    void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, (_progress, token) => {
      token.onCancellationRequested(() => abort.abort());
      return running.then(() => undefined, () => undefined);
    });
  }, 2000);
  return running.finally(() => clearTimeout(slow));
}

function confirm(parts: ChangeParts, ref: FlagRef, { verb, plan, evidence = [], instead }: Offer, warnings: readonly string[]): Promise<boolean> {
  const environments = plan.environments.map(({ environment }) => plainLine(environment)).join(', ');
  return parts.prompts.confirm({ message: `${verb}: ${plainLine(ref.flag)} in ${environments}?`, detail: [...evidence, ...(evidence.length > 0 ? [''] : []), detailOf(parts, ref, plan, warnings)].join('\n'), verb, instead });
}

function detailOf({ connections }: ChangeParts, ref: FlagRef, plan: ChangePlan, gateWarnings: readonly string[]): string {
  const facts = flagFacts(connections, ref.connection, ref.flag);
  const lines = plan.environments.map((change) => {
    const observed = observedShare(facts, change.environment);
    const users = observed === undefined ? '' : ` (last hour: ${percentWords(observed.percent)} of ${countWords(observed.n)} evaluations were on)`;
    return `${plainLine(change.environment)}: ${changeWords(change)}${users}`;
  });
  // Promoting says by its name that it raises; a restore does not.
  const raises = plan.kind === 'restore' && plan.environments.some(({ exposure }) => exposure === 'raise' || exposure === 'mixed');
  return [...lines, ...(raises ? ['This raises exposure.'] : []), ...[...gateWarnings, ...plan.warnings].map((warning) => plainLine(warning, 300)), plainLine(plan.server, 200)].join('\n');
}

function changeWords({ from, to, steps }: EnvironmentChange): string {
  return plainLine(steps.length === 0 ? `${from} already` : `${from} -> ${to}`, 400);
}

async function report(parts: ChangeParts, ref: FlagRef, plan: ChangePlan, outcome: ChangeOutcome): Promise<void> {
  const now = outcome.environments.map(({ environment, now: words }) => `${plainLine(environment)}: ${plainLine(words ?? 'could not be read', 200)}`).join(', ');
  const flag = plainLine(ref.flag);
  parts.log.info(`${plan.kind} ${ref.flag}: ${outcome.kind}; ${now}`);
  const foreign = outcome.foreign.length === 0
    ? ''
    : ` Meanwhile ${[...new Set(outcome.foreign.map(({ by }) => plainLine(by, 60)))].join(', ')} changed it too: check the history in Unleash.`;
  const beside = [foreign.trim(), ...outcome.warnings].filter((line) => line !== '').map((line) => ` ${line}`).join('');
  if (outcome.kind === 'stopped') {
    const reason = outcome.error?.message ?? 'unknown reason';
    const advice = plan.environments.some(({ exposure }) => exposure === 'lower') ? ['Switch Environment Off...'] : [];
    const chosen = await vscode.window.showErrorMessage(plainLine(`${flag} was not changed as asked: ${reason} Now ${now}.${beside}`, 1000), ...advice, 'Show Log');
    if (chosen === 'Show Log') parts.log.show();
    else if (chosen !== undefined) await vscode.commands.executeCommand(Command.disableEnvironment, ref);
    return;
  }
  const message = outcome.kind === 'unchanged' ? `${flag} was so already. ${now}.` : `${PAST[plan.kind]}: ${flag}. ${now}.`;
  const undoable = outcome.kind === 'done' && (plan.kind === 'roll back' || plan.kind === 'kill' || plan.kind === 'disable');
  const show = beside === '' ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const chosen = await show(plainLine(`${message}${beside}`, 1000), ...(undoable ? ['Undo'] : []));
  if (chosen === 'Undo') await undo(parts, ref, plan);
}

/** Back to what each environment was before a change; every one is confirmed, because undoing a roll back raises. */
async function undo(parts: ChangeParts, ref: FlagRef, plan: ChangePlan): Promise<void> {
  for (const { environment, before } of plan.environments) {
    await changeFlag(parts, { ...ref, environment }, `Undo of ${plan.kind}`, (reading, reason) => restoreOffer(reading, environment, before, reason));
  }
}

export function restoreOffer(reading: FlagReading, environment: string, target: FlagEnvironment, reason?: string): Offer {
  const plan = planRestore(reading, environment, target, { reason });
  return { verb: `Restore ${shortTarget(plan)}`, plan };
}

/** What everyone gets after the change, for a button; the modal's detail has the rest. */
export function shortTarget(plan: ChangePlan): string {
  return plainLine(plan.environments[0]?.to.split(' · ')[0] ?? '', 30);
}
