import * as vscode from 'vscode';
import { sleep } from '../../adapters/node/sleep.ts';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { FlagReading } from '../../core/flags/planning.ts';
import { awaitVersion } from '../../core/releases/answering.ts';
import { complete, pinsInLog, planAliasReturn, planCompletion, returnAlias, type AliasReturn } from '../../core/releases/complete.ts';
import { experimentLines, isExperiment, isShipped, planKeep } from '../../core/releases/experiment.ts';
import { evidenceBefore } from '../../core/releases/releaseView.ts';
import { stageWords } from '../../core/releases/stageChange.ts';
import { lowers, planAllTheWay, planPreviousStage, planToStage, type TakeBack } from '../../core/releases/takeBack.ts';
import { readFlag, requireWritable, withProgress } from '../flags/changeFlow.ts';
import { Command } from '../ids.ts';
import { registryOf } from '../models/registryOf.ts';
import { refOf, type ReleaseCommandParts } from './advanceCommands.ts';
import type { ReleaseState } from './releaseStore.ts';

interface Target extends vscode.QuickPickItem {
  /** `event`: a point of the history; `completion`: what a completion did, the other way round. */
  readonly to: TakeBack | 'event' | 'completion';
}

/**
 * To the previous stage, all the way, or to a point of the history. It asks nothing but Unleash, so it works while registry and metrics are down. Only after a completion the registry has its part: its alias is
 * taken back as well, after the flag.
 */
export async function rollBackRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const plan = state.model.plan ?? [];
  const environment = plan[0]?.environment ?? state.target.environment;
  const reading = await readFlag(refOf(state, environment));
  const chosen = await vscode.window.showQuickPick(targetsOf(state, reading), { title: `Roll back ${plainLine(state.model.name, 60)} behind ${plainLine(state.flag)}`, placeHolder: 'To where' });
  if (chosen === undefined) return;
  const { to } = chosen;
  if (to === 'event') {
    await vscode.commands.executeCommand(Command.restoreState, refOf(state, plan[Math.max(0, state.looked?.assessment.stage ?? 0)]?.environment ?? environment));
    return;
  }
  if (to === 'completion') await takeBackCompletion(parts, state);
  else await lower(parts, state, to.to, to.environments);
  await parts.store.look(state.key).catch(() => undefined);
}

function lower(parts: ReleaseCommandParts, state: ReleaseState, to: number, environments: readonly string[]): ReturnType<ReleaseCommandParts['changeFlag']> {
  return parts.changeFlag(parts.change, refOf(state, environments[0] ?? state.target.environment), 'Roll back release', (fresh) => ({
    verb: to < 0 ? 'Roll Back All the Way' : `Roll Back to Stage ${to + 1}`, plan: planToStage(state.model.plan ?? [], to, environments, fresh).change,
  }));
}

function targetsOf({ model: { plan = [], current }, looked }: ReleaseState, reading: FlagReading): Target[] {
  const previous = planPreviousStage(plan, reading);
  const has = new Set(reading.detail.flag.environments.map(({ name }) => name));
  const planned = [...new Set(plan.map(({ environment }) => environment))].filter((name) => has.has(name));
  const whole = planAllTheWay(plan, reading);
  const earlier = plan.flatMap((_stage, to) => (to < previous.to ? onlyLowered(planToStage(plan, to, planned, reading)) : [])).filter(lowers).toReversed();
  const words = (names: readonly string[]): string => names.map((name) => plainLine(name)).join(', ');
  return [
    ...(looked?.assessment.state === 'complete' ? [{ label: 'Before the completion', description: `nobody gets the candidate, and ${plainLine(current, 40)} names the version before`, to: 'completion' as const }] : []),
    ...(previous.to >= 0 && lowers(previous) ? [{ label: `Previous stage: ${stageWords(plan, previous.to)}`, description: words(previous.environments), to: previous }] : []),
    ...earlier.map((back) => ({ label: `Earlier: ${stageWords(plan, back.to)}`, description: words(back.environments), to: back })),
    ...(whole !== undefined && lowers(whole) ? [{ label: 'All the way: nobody gets the candidate', description: words(whole.environments), to: whole }] : []),
    { label: 'A point of the history...', description: 'any earlier state', to: 'event' },
  ];
}

/** Without the environments in which nothing is lowered. */
function onlyLowered({ to, change, ...rest }: TakeBack): TakeBack {
  const environments = change.environments.filter(({ steps }) => steps.length > 0);
  return { ...rest, to, environments: environments.map(({ environment }) => environment), change: { ...change, environments } };
}

const VERIFY_MS = 120_000;

/** Exposure first, then the alias, then what the log says: a service that loads its model at the start has to be started anew, and only its answers show it. */
async function takeBackCompletion(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  requireWritable();
  const { model, flag, target } = state;
  const environment = model.plan?.at(-1)?.environment ?? target.environment;
  const reading = await readFlag(refOf(state, environment));
  const whole = planAllTheWay(model.plan ?? [], reading);
  if (whole !== undefined && lowers(whole)) {
    const outcome = await lower(parts, state, -1, whole.environments);
    if (outcome === undefined || outcome.kind === 'stopped') return;
  }
  const registry = await registryOf(target.folder, parts.registries);
  const back = await planAliasReturn(model, flag, pinsInLog(reading.events, model.name)[0], registry);
  if (back === undefined) throw new AppError('conflict', `${model.current} does not name what was released any more: nothing was written to the registry.`, { reason: 'movedAlias' });
  const { registered, alias, from, to } = back;
  if (!(await parts.change.prompts.confirm({ message: `Take the completion of ${plainLine(model.name, 60)} back?`, verb: 'Move Alias Back', detail: `${plainLine(alias, 60)} of ${plainLine(registered, 80)}: ${plainLine(from, 40)} -> ${plainLine(to, 40)}` }))) return;
  requireWritable();
  const notes = await returnAlias(registry, back, flag, parts.clock.now());
  parts.change.log.info([`completion of ${model.name} taken back: ${alias} of ${registered} ${from} -> ${to}`, ...notes].join('; '));
  await Promise.all(parts.registries.all.map((connection) => connection.refresh()));
  void tellAnswering(parts, state, environment, back);
}

async function tellAnswering(parts: ReleaseCommandParts, { model, target }: ReleaseState, environment: string, { alias, from, to }: AliasReturn): Promise<void> {
  if (model.quality === undefined) return void vscode.window.showWarningMessage(plainLine(`${alias} names ${to} again. ${model.name} has no quality: in modelswitch.yaml, so look at the service which version answers.`, 400));
  try {
    const found = await withProgress(`Looking which version of ${plainLine(model.name, 60)} answers`, (signal) => awaitVersion({ readQuality: () => parts.store.readQuality(target, model), sleep, now: Date.now }, environment, to, from, VERIFY_MS, signal));
    const words = found.state === 'verified' ? `${alias} names ${to} again: ${found.words}.` : `${alias} names ${to} again, but it was not seen to answer: ${found.words}. A service that loads its model at the start has to be started anew.`;
    void (found.state === 'verified' ? vscode.window.showInformationMessage : vscode.window.showWarningMessage)(plainLine(words, 400));
  } catch (thrown) {
    parts.change.log.error('Looking which version answers', toAppError(thrown));
  }
}

/** The end of an experiment in which the candidate did not win: nobody gets it any more. */
export async function keepCurrent(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const plan = state.model.plan ?? [];
  const assessment = state.looked?.assessment;
  const outcome = await parts.changeFlag(parts.change, refOf(state, plan.at(-1)?.environment ?? state.target.environment), 'Keep current', (reading, reason) => ({
    verb: 'Keep Current', plan: planKeep(plan, reading, { reason }),
    ...(assessment === undefined ? {} : { evidence: [...experimentLines(assessment), ...evidenceBefore(assessment)] }),
  }));
  await parts.store.look(state.key).catch(() => undefined);
  if (outcome === undefined || outcome.kind === 'stopped') return;
  const chosen = await vscode.window.showInformationMessage(plainLine(`${state.model.name}: the current model stays.`, 200), 'Remove the Switch from the Code...');
  if (chosen !== undefined) await vscode.commands.executeCommand(Command.finishKeepCurrent, { flag: state.flag });
}

/** After the last stage: the alias of what serves moves to what everybody gets, then the switch may go from the code and the flag be archived. */
export async function completeRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  requireWritable();
  const { assessment, look } = await parts.store.look(state.key);
  const registry = await registryOf(state.target.folder, parts.registries);
  const plan = state.model.plan ?? [];
  const completion = await planCompletion(assessment, state.model, registry, { isShipped: isExperiment(plan) && isShipped(state.model, look.reading, plan.at(-1)?.environment ?? '') });
  const { name } = state.model;
  if (completion !== undefined) {
    const { registered, alias, from, to } = completion;
    const confirmed = await parts.change.prompts.confirm({
      message: `Complete the release of ${plainLine(name, 60)}?`, verb: 'Complete Release',
      detail: [...evidenceBefore(assessment), '', `${plainLine(alias, 60)} of ${plainLine(registered, 80)}: ${plainLine(from ?? 'none', 40)} -> ${plainLine(to, 40)}`, 'Nobody gets another model by this where the flag is on for everyone.'].join('\n'),
    });
    if (!confirmed) return;
    requireWritable();
    const notes = await complete(registry, completion, state.flag, parts.clock.now());
    parts.change.log.info([`complete ${name}: ${alias} of ${registered} ${from ?? 'none'} -> ${to}`, ...notes].join('; '));
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
