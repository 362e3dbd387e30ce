import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { mergePlans } from '../../core/flags/planner.ts';
import type { FlagReading } from '../../core/flags/planning.ts';
import { planCompletion } from '../../core/releases/complete.ts';
import { planPosition } from '../../core/releases/position.ts';
import { evidenceBefore } from '../../core/releases/releaseView.ts';
import { planStepDown, stageBefore, stageWords } from '../../core/releases/stageChange.ts';
import type { Stage } from '../../core/workspace/plan.ts';
import { readFlag, requireWritable } from '../flags/changeFlow.ts';
import { Command } from '../ids.ts';
import { registryOf } from '../models/registryOf.ts';
import { refOf, type ReleaseCommandParts } from './advanceCommands.ts';
import type { ReleaseState } from './releaseStore.ts';

interface Target extends vscode.QuickPickItem {
  /** Undefined: a point of the history. */
  readonly to: number | undefined;
  readonly environments: readonly string[];
}

/** To the previous stage, all the way, or to a point of the history. It asks nothing but Unleash, so it works while registry and metrics are down. */
export async function rollBackRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const plan = state.model.plan ?? [];
  const first = plan[0]?.environment ?? state.target.environment;
  const reading = await readFlag(refOf(state, first));
  const items = targetsOf(plan, reading);
  const chosen = await vscode.window.showQuickPick(items, { title: `Roll back ${plainLine(state.model.name, 60)} behind ${plainLine(state.flag)}`, placeHolder: 'To where' });
  if (chosen === undefined) return;
  const { to, environments } = chosen;
  const [environment = first] = environments;
  if (to === undefined) {
    await vscode.commands.executeCommand(Command.restoreState, refOf(state, environment));
    return;
  }
  await parts.changeFlag(parts.change, refOf(state, environment), 'Roll back release', (fresh) => ({
    verb: to < 0 ? 'Roll Back All the Way' : `Roll Back to Stage ${to + 1}`,
    plan: mergePlans(environments.map((name) => planStepDown(plan, to, fresh, name, 'person'))),
  }));
  await parts.store.look(state.key).catch(() => undefined);
}

function targetsOf(plan: readonly Stage[], reading: FlagReading): Target[] {
  const { stage } = planPosition(plan, reading);
  const environment = (plan[Math.max(0, stage)] ?? plan[0])?.environment ?? '';
  const before = stageBefore(plan, stage, environment);
  const environments = [...new Set(plan.map((each) => each.environment))].filter((name) => reading.detail.flag.environments.some((each) => each.name === name && each.enabled));
  const lowers = (to: number, names: readonly string[]): boolean => names.some((name) => planStepDown(plan, to, reading, name, 'person').environments.some(({ steps }) => steps.length > 0));
  return [
    ...(before >= 0 && lowers(before, [environment]) ? [{ label: `Previous stage: ${stageWords(plan, before)}`, description: plainLine(environment), to: before, environments: [environment] }] : []),
    ...(environments.length > 0 && lowers(-1, environments) ? [{ label: 'All the way: nobody gets the candidate', description: environments.map((name) => plainLine(name)).join(', '), to: -1, environments }] : []),
    { label: 'A point of the history...', description: 'any earlier state', to: undefined, environments: [environment] },
  ];
}

/** The end of an experiment in which the candidate did not win: nobody gets it any more. */
export async function keepCurrent(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const plan = state.model.plan ?? [];
  const environments = [...new Set(plan.map((each) => each.environment))];
  const outcome = await parts.changeFlag(parts.change, refOf(state, environments[0] ?? state.target.environment), 'Keep current', (reading) => ({
    verb: 'Keep Current',
    plan: mergePlans(environments.filter((name) => reading.detail.flag.environments.some((each) => each.name === name)).map((name) => planStepDown(plan, -1, reading, name, 'person', { reason: 'the current model stays' }))),
    ...(state.looked === undefined ? {} : { evidence: evidenceBefore(state.looked.assessment) }),
  }));
  await parts.store.look(state.key).catch(() => undefined);
  if (outcome === undefined || outcome.kind === 'stopped') return;
  const chosen = await vscode.window.showInformationMessage(plainLine(`${state.model.name}: the current model stays.`, 200), 'Remove the Switch from the Code...');
  if (chosen !== undefined) await vscode.commands.executeCommand(Command.finishKeepCurrent, { flag: state.flag });
}

/** After the last stage: the alias of what serves moves to what everybody gets, then the switch may go from the code and the flag be archived. */
export async function completeRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  requireWritable();
  const { assessment } = await parts.store.look(state.key);
  const registry = await registryOf(state.target.folder, parts.registries);
  const completion = await planCompletion(assessment, state.model, registry);
  const { name } = state.model;
  if (completion !== undefined) {
    if (!registry.capabilities.setAlias) throw new AppError('forbidden', registry.capabilities.reason ?? 'This registry is only read: move the alias where it is kept.');
    const { registered, alias, from, to } = completion;
    const confirmed = await parts.change.prompts.confirm({
      message: `Complete the release of ${plainLine(name, 60)}?`, verb: 'Complete Release',
      detail: [...evidenceBefore(assessment), '', `${plainLine(alias, 60)} of ${plainLine(registered, 80)}: ${plainLine(from ?? 'none', 40)} -> ${plainLine(to, 40)}`, 'Nobody gets another model by this where the flag is on for everyone.'].join('\n'),
    });
    if (!confirmed) return;
    requireWritable();
    await registry.setAlias(registered, alias, to, from);
    parts.change.log.info(`complete ${name}: ${alias} of ${registered} ${from ?? 'none'} -> ${to}`);
    await Promise.all(parts.registries.all.map((connection) => connection.refresh()));
  }
  const words = completion === undefined ? `${state.model.current} names what was released already` : `${completion.alias} names version ${completion.to} now`;
  void offerEnd(state, `The release of ${name} is complete: ${words}.`);
  await parts.store.look(state.key).catch(() => undefined);
}

async function offerEnd({ flag, target }: ReleaseState, message: string): Promise<void> {
  const [finish, archive] = ['Remove the Switch from the Code...', 'Archive Flag...'];
  const chosen = await vscode.window.showInformationMessage(plainLine(message, 400), finish, archive);
  if (chosen === finish) await vscode.commands.executeCommand(Command.finishKeepCandidate, { flag });
  if (chosen === archive) await vscode.commands.executeCommand(Command.archiveFlag, { connection: target.connection, flag });
}
