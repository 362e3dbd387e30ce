import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeNote } from '../../core/flags/planning.ts';
import type { GateVerdict } from '../../core/releases/gates.ts';
import type { ReleaseAssessment } from '../../core/releases/assessment.ts';
import { releaseJson, releaseLine } from '../../core/releases/assessmentText.ts';
import { planAdvance, planApprove, planRearm } from '../../core/releases/stageChange.ts';
import { required, writeJson, type CliContext, type Command } from '../context.ts';
import { BLOCKED, exitCode } from '../exitCodes.ts';
import { withOverride } from '../gating.ts';
import { jsonable } from './quality.ts';
import { meantReleases, theRelease, withReleases, type CliReleases } from '../releases.ts';
import { writeBlocked, writeOutcome, writePlan } from './changes.ts';

const FREE: GateVerdict = { kind: 'pass', warnings: [], blocks: [] };

export const release: Command = {
  name: 'release',
  usage: 'release [--model M] [--flag F] [--json]',
  summary: 'what is going out: stage, verdict and its evidence',
  run: (context) => withReleases(context, { decides: true }, async ({ reader }) => {
    const found: ReleaseAssessment[] = [];
    for (const { model, flag } of meantReleases(context, reader)) found.push((await reader.look(model, flag, context.signal)).assessment);
    if (context.options.json === true) writeJson(context.write, jsonable(found.map(releaseJson)));
    else for (const each of found) writeRelease(context, each);
    return 0;
  }),
};

export function writeRelease({ write }: CliContext, assessment: ReleaseAssessment): void {
  write(`${releaseLine(assessment)}\n`);
  for (const line of assessment.evidence.slice(assessment.verdict.reasons.length === 0 ? 0 : 1)) write(`  ${plainLine(line, 400)}\n`);
  for (const { words } of assessment.ways) write(`  way out: ${plainLine(words, 200)}\n`);
  const { next } = assessment;
  if (next.kind === 'change') for (const { environment, from, to } of next.change.environments) write(`  next: ${plainLine(environment, 40)}: ${plainLine(from, 200)} -> ${plainLine(to, 200)}\n`);
}

/** What keeps a release from going on that is more than a gate's word: data and time. An override may go on all the same, but never against a breach or a latch. */
function advanceVerdict({ assessment, gates }: Awaited<ReturnType<typeof theRelease>>, userId: number): GateVerdict {
  const { verdict, approval, latch } = assessment;
  const blocks = [...gates?.blocks ?? []];
  const named = new Set(blocks.map(({ gate }) => gate));
  const never = verdict.word === 'rollback' || latch !== undefined;
  const reasons = verdict.reasons.filter(({ kind }) => kind !== 'gate' && kind !== 'approval' && kind !== 'last stage').map(({ words }) => words);
  if (assessment.stage >= 0 && assessment.state !== 'not started' && verdict.word !== 'advance' && reasons.length > 0 && !named.has('moved alias')) {
    const mend = latch !== undefined ? ['Look at what happened, then re-arm: modelswitch rearm.'] : verdict.word === 'rollback' ? ['Take it back: modelswitch rollback, or let the guard do it.'] : [];
    blocks.unshift({ gate: latch !== undefined ? 'latch' : 'statistics', reasons: [...reasons, ...mend], overridable: !never });
  } else if (latch !== undefined) {
    blocks.unshift({ gate: 'latch', reasons: [...reasons, 'Look at what happened, then re-arm: modelswitch rearm.'], overridable: false });
  }
  if (approval !== undefined && approval.given.every(({ byId }) => byId === userId)) {
    const [own] = approval.given;
    const why = own === undefined ? 'it needs the approval of another Unleash user' : `${plainLine(own.by, 60)} approved it, and somebody else has to`;
    blocks.push({ gate: 'approval', reasons: [`${why}: modelswitch approve --model ${assessment.model} --digest ${approval.digest}`], overridable: false });
  }
  return { kind: blocks.length > 0 ? 'block' : gates?.warnings.length === 0 || gates === undefined ? 'pass' : 'warn', warnings: gates?.warnings ?? [], blocks };
}

async function advanceOne(context: CliContext, releases: CliReleases): Promise<number> {
  const { options } = context;
  const looked = await theRelease(context, releases);
  const { assessment, look } = looked;
  const plan = look.model.plan ?? [];
  if (options.from !== undefined && !/^\d{1,3}$/.test(options.from)) throw new AppError('validation', `--from takes the number of the stage that is left, 0 before the first, not "${plainLine(options.from, 40)}".`);
  if (options.from !== undefined && Number(options.from) !== assessment.stage + 1) {
    if (Number(options.from) === assessment.stage) return already(context, assessment);
    throw new AppError('conflict', `${assessment.model} is at ${assessment.stageWords}, not at stage ${options.from}: nothing was changed.`, { reason: 'stale' });
  }
  const advancing = (note: ChangeNote): ChangePlan => planAdvance(plan, look.reading, note).change;
  const { plan: change, verdict } = await withOverride(options, advanceVerdict(looked, await userIdOf(context, releases)), advancing({ reason: options.reason }), advancing);
  if (options.json !== true) writeRelease(context, assessment);
  return applied(context, releases, change, verdict);
}

export async function userIdOf({ signal }: CliContext, { target }: CliReleases): Promise<number> {
  return (await target.client.readIdentity(signal)).id;
}

function already({ options, write }: CliContext, assessment: ReleaseAssessment): number {
  const { model, stageWords, position: { deviations } } = assessment;
  if (deviations.length > 0) throw new AppError('conflict', `${model} has left that stage, but is not as its plan has it at ${stageWords}: ${deviations.map(({ message }) => message).join('; ')}. Nothing was changed.`, { reason: 'deviates' });
  if (options.json === true) writeJson(write, { plan: null, outcome: { kind: 'unchanged', stage: assessment.stage + 1 } });
  else write(`${plainLine(model)} is at ${stageWords} (unchanged)\n`);
  return 0;
}

/** Shows or makes a change. */
export async function applied(context: CliContext, { runner }: CliReleases, change: ChangePlan, verdict: GateVerdict): Promise<number> {
  const { options, signal, write } = context;
  if (options['dry-run'] === true) writePlan(context, change, verdict);
  else if (verdict.kind === 'block') writeBlocked(context, change, verdict);
  if (verdict.kind === 'block') return BLOCKED;
  if (options['dry-run'] === true) return 0;
  const outcome = await runner.apply(change, signal);
  writeOutcome(context, change, outcome, verdict);
  if (outcome.error === undefined) return 0;
  if (options.json !== true) write(`not as asked: ${plainLine(outcome.error.message, 1000)}\n`);
  return exitCode(outcome.error);
}

export const advance: Command = {
  name: 'advance',
  usage: 'advance [--model M] [--flag F] [--from STAGE] [--override REASON] [--dry-run] [--json]',
  summary: 'to the next stage of the plan, when its evidence is there',
  details: '--from N leaves stage N (0: before the first) and does nothing when an earlier try of the same job has done so.',
  run: (context) => withReleases(context, { decides: true }, (releases) => advanceOne(context, releases)),
};

export const rearm: Command = {
  name: 'rearm',
  usage: 'rearm [--model M] [--flag F] [--reason TEXT]',
  summary: 'after a guard rollback: the ramp may go on',
  run: (context) => withReleases(context, { decides: false }, async (releases) => {
    const { assessment, look } = await theRelease(context, releases);
    if (assessment.latch === undefined) throw new AppError('validation', `The guard has not taken ${assessment.model} back, so there is nothing to re-arm.`, { reason: 'nothingToRearm' });
    return applied(context, releases, planRearm(look.reading, assessment.latch.environment, { reason: context.options.reason }), FREE);
  }),
};

export const approve: Command = {
  name: 'approve',
  usage: 'approve [--model M] [--flag F] --digest D [--reason TEXT]',
  summary: 'lets another user make the next change of a release',
  details: 'The digest is the one that advance shows: it stands for the change, the versions and what the evidence says, and an approval of another one counts for nothing.',
  options: { digest: { type: 'string' } },
  run: (context) => withReleases(context, { decides: true }, async (releases) => {
    const { assessment, look } = await theRelease(context, releases);
    const { approval, next } = assessment;
    if (approval === undefined || next.kind !== 'change') throw new AppError('validation', `The next change of ${assessment.model} needs no approval${next.kind === 'none' ? `: ${next.because}` : '.'}`, { reason: 'noApproval' });
    const digest = required(typeof context.own['digest'] === 'string' ? context.own['digest'] : undefined, '--digest', `; the next change has ${approval.digest}, look at it with modelswitch release`);
    if (digest !== approval.digest) throw new AppError('conflict', `The change, the versions or the evidence are other than those of ${plainLine(digest, 40)} (now ${approval.digest}): look again, then approve.`, { reason: 'stale' });
    const [environment] = next.change.environments;
    return applied(context, releases, planApprove(look.reading, environment?.environment ?? assessment.environment, digest, { reason: [`by user ${await userIdOf(context, releases)}`, ...context.options.reason === undefined ? [] : [context.options.reason]].join(': ') }), FREE);
  }),
};
