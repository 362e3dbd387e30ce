import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ReleaseAssessment } from '../../core/releases/assessment.ts';
import { experimentLines, planShip } from '../../core/releases/experiment.ts';
import { overrideReason, type GateVerdict } from '../../core/releases/gates.ts';
import { planPosition } from '../../core/releases/position.ts';
import { advanceHurdles, evidenceBefore } from '../../core/releases/releaseView.ts';
import { planAdvance, planApprove, planRearm, stageWords } from '../../core/releases/stageChange.ts';
import type { FlagRef } from '../flags/changeFlow.ts';
import type { ReleaseFeatureParts } from './lazyReleases.ts';
import type { ReleaseState, ReleaseStore } from './releaseStore.ts';

/** What commands of releases work with. */
export interface ReleaseCommandParts extends ReleaseFeatureParts {
  readonly store: ReleaseStore;
}

export function refOf({ target, flag }: ReleaseState, environment: string): FlagRef {
  return { connection: target.connection, flag, environment };
}

/**
 * To the next stage: a fresh look, its evidence, old and new per environment, gates, and the change. What delays it may be overridden with a reason; a latch, a breach or a missing approval may not. Asked
 * for again after an interruption it goes on from where Unleash stands.
 */
export async function advanceRelease(parts: ReleaseCommandParts, { key, model, target, flag }: ReleaseState): Promise<void> {
  const { assessment } = await parts.store.look(key);
  const state = parts.store.of(key);
  if (state === undefined) return;
  if (assessment.next.kind === 'none') throw new AppError('validation', assessment.next.because);
  const plan = model.plan ?? [];
  const to = assessment.next.to;
  const gate = await passHurdles(parts, assessment, target.connection.identity?.id, `Advance to ${stageWords(plan, to)}`);
  if (gate === undefined) return;
  const { environment } = plan[to] ?? assessment;
  await parts.changeFlag(parts.change, refOf(state, environment), 'Advance release', (reading, reason) => {
    const advance = planAdvance(plan, reading, { reason: [gate.reason, reason].filter((each) => each !== undefined).join('; ') || undefined });
    if (advance.to !== to) throw new AppError('conflict', `${flag} is at ${stageWords(plan, planPosition(plan, reading).stage)} by now: nothing was written.`, { reason: 'stale' });
    return { verb: `Advance to Stage ${to + 1}`, plan: advance.change, evidence: [...gate.lines, ...evidenceBefore(assessment)] };
  });
  await parts.store.look(key).catch(() => undefined);
}

/** Undefined: it does not go on. @throws AppError conflict for what nobody may override */
async function passHurdles(parts: ReleaseCommandParts, assessment: ReleaseAssessment, userId: number | undefined, verb: string): Promise<{ readonly reason: string | undefined; readonly lines: readonly string[] } | undefined> {
  const { final, overridable } = advanceHurdles(assessment, userId);
  if (final.length > 0) throw new AppError('conflict', final.join(' '), { reason: assessment.latch === undefined ? 'gate' : 'latch' });
  if (overridable.length === 0) return { reason: undefined, lines: [] };
  const detail = [...overridable, '', 'One may go on with a reason; it is recorded in Unleash under your name.'].join('\n');
  const { prompts } = parts.change;
  if (!(await prompts.confirm({ message: `${verb}: the evidence is not there yet (${assessment.verdict.word}).`, detail, verb: 'Override...' }))) return undefined;
  const typed = await prompts.ask?.({ title: 'Override statistics', prompt: 'Why? It goes into the title of the strategy.' });
  if (typed === undefined || typed.trim() === '') return undefined;
  const verdict: GateVerdict = { kind: 'block', warnings: [], blocks: [{ gate: 'statistics', reasons: overridable, overridable: true }] };
  return { reason: overrideReason(verdict, typed), lines: overridable.map((each) => `Overridden: ${each}`) };
}

/** Says that somebody has looked at what the guard did: evidence counts anew, and the ramp may go on. */
export async function rearmRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const { assessment: { latch } } = await parts.store.look(state.key);
  if (latch === undefined) throw new AppError('validation', `The guard has not taken ${state.model.name} back, so there is nothing to re-arm.`, { reason: 'nothingToRearm' });
  await parts.changeFlag(parts.change, refOf(state, latch.environment), 'Re-arm', (reading) => ({
    verb: 'Re-Arm', plan: planRearm(reading, latch.environment),
    evidence: [`The guard, ${plainLine(latch.at.slice(0, 19).replace('T', ' '))} UTC: ${plainLine(latch.title, 200)}`, 'From here evidence counts anew. Nobody is exposed by this.'],
  }));
  await parts.store.look(state.key).catch(() => undefined);
}

/** Consent to just the next change, with the versions and the evidence that are shown; another Unleash user makes it. */
export async function approveRelease(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const { assessment } = await parts.store.look(state.key);
  const { approval, next } = assessment;
  if (approval === undefined || next.kind !== 'change') throw new AppError('validation', `The next change of ${state.model.name} needs no approval${next.kind === 'none' ? `: ${next.because}` : '.'}`, { reason: 'noApproval' });
  const [environment] = next.change.environments;
  const name = environment?.environment ?? assessment.environment;
  await parts.changeFlag(parts.change, refOf(state, name), 'Approve', (reading) => ({
    verb: 'Approve', plan: planApprove(reading, name, approval.digest),
    evidence: [
      `What is approved (${approval.digest}): ${next.change.environments.map(({ environment: each, from, to }) => plainLine(`${each}: ${from} -> ${to}`, 300)).join('; ')}`,
      ...evidenceBefore(assessment), 'Another Unleash user has to make the change. A change of plan, versions or evidence makes the approval void.',
    ],
  }));
  await parts.store.look(state.key).catch(() => undefined);
}

/** One of the ways out of a state that is not as the plan has it. */
export async function goWay(parts: ReleaseCommandParts, state: ReleaseState, index: number): Promise<void> {
  const shown = state.looked?.assessment.ways[index]?.words;
  const { assessment } = await parts.store.look(state.key);
  const way = assessment.ways.find(({ words }) => words === shown);
  if (way === undefined) throw new AppError('conflict', 'Unleash is not as it was shown any more: look again.', { reason: 'stale' });
  const { environments: [first] } = way.change;
  await parts.changeFlag(parts.change, refOf(state, first?.environment ?? assessment.environment), way.words, () => ({ verb: way.words, plan: way.change, evidence: evidenceBefore(assessment) }));
  await parts.store.look(state.key).catch(() => undefined);
}

/** The end of an experiment: everyone gets the candidate, once evidence and gates have been seen. */
export async function shipCandidate(parts: ReleaseCommandParts, state: ReleaseState): Promise<void> {
  const { assessment } = await parts.store.look(state.key);
  const gate = await passHurdles(parts, assessment, target(state), 'Ship the candidate');
  if (gate === undefined) return;
  const { environment } = assessment;
  const outcome = await parts.changeFlag(parts.change, refOf(state, environment), 'Ship candidate', (reading, reason) => ({
    verb: 'Ship Candidate', plan: planShip(state.model, reading, environment, { reason: [gate.reason, reason].filter((each) => each !== undefined).join('; ') || undefined }),
    evidence: [...gate.lines, ...experimentLines(assessment), ...evidenceBefore(assessment)],
  }));
  if (outcome?.kind === 'done') void vscode.window.showInformationMessage(plainLine(`${state.model.name}: the candidate is shipped. Complete the release, so that ${state.model.current} names it, and finish it in the code.`, 300));
  await parts.store.look(state.key).catch(() => undefined);
}

function target({ target: { connection } }: ReleaseState): number | undefined {
  return connection.identity?.id;
}
