import { plainLine } from '../../core/base/words.ts';
import { AppError } from '../../core/base/errors.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeNote } from '../../core/flags/planning.ts';
import { readHistory } from '../../core/flags/timeline.ts';
import { complete as completed, planCompletion } from '../../core/releases/complete.ts';
import { experimentLines, isExperiment, isShipped, planKeep, planShip } from '../../core/releases/experiment.ts';
import type { GateVerdict } from '../../core/releases/gates.ts';
import { advanceHurdles } from '../../core/releases/releaseView.ts';
import { releaseTimeline, timelineMarkdown, timelineText } from '../../core/releases/releaseTimeline.ts';
import type { LookedAt } from '../../core/releases/releaseReader.ts';
import { connectCli, writeJson, type CliContext, type Command } from '../context.ts';
import { gatedPlan, withOverride } from '../gating.ts';
import { flagOfUnreadPlan, meantRelease, theRelease, withReleases, type CliReleases } from '../releases.ts';
import { runChange } from './changes.ts';
import { applied, userIdOf, writeRelease } from './release.ts';
import { wholeWay } from './takeBack.ts';

export const complete: Command = {
  name: 'complete',
  usage: 'complete [--model M] [--flag F] [--dry-run] [--json]',
  summary: 'from the last stage: the alias names what was released',
  details: 'After the holdback, and last: nobody gets another version by it where the flag is on for everyone. Then Finish Release in the editor takes the switch out of the code, and the flag may be archived. modelswitch rollback takes it back.',
  run: (context) => withReleases(context, { decides: true }, (releases) => completeOne(context, releases)),
};

async function completeOne(context: CliContext, releases: CliReleases): Promise<number> {
  const { options, signal, write } = context;
  const { assessment, look } = await theRelease(context, releases);
  const registry = await releases.openRegistry();
  const completion = await planCompletion(assessment, look.model, registry, { isShipped: isOver(look), signal });
  const isDry = options['dry-run'] === true;
  const notes = completion === undefined || isDry ? [] : await completed(registry, completion, assessment.flag, Date.now(), signal);
  if (options.json === true) {
    writeJson(write, { model: look.model.name, flag: assessment.flag, completion: completion ?? null, kind: completion === undefined ? 'unchanged' : isDry ? 'dry run' : 'done', notes });
    return 0;
  }
  writeRelease(context, assessment);
  if (completion === undefined) write(`${plainLine(look.model.current)} names what was released already (unchanged)\n`);
  else write(`${plainLine(completion.alias, 60)} of ${plainLine(completion.registered, 80)}: ${plainLine(completion.from ?? 'none', 40)} -> ${plainLine(completion.to, 40)} (${isDry ? 'dry run, nothing is written' : 'done'})\n`);
  for (const note of notes) write(`note: ${plainLine(note, 400)}\n`);
  if (!isDry) write(`Next: Modelswitch: Finish Release in the editor takes ${plainLine(assessment.flag, 60)} out of the code; when no application asks for it any more, archive it.\n`);
  return 0;
}

/** Whether an experiment's candidate was shipped: its plan has no stage for that. */
function isOver({ model, reading }: LookedAt['look']): boolean {
  const plan = model.plan ?? [];
  return isExperiment(plan) && isShipped(model, reading, plan.at(-1)?.environment ?? '');
}

export const ship: Command = {
  name: 'ship',
  usage: 'ship [--model M] [--flag F] [--override REASON] [--dry-run] [--json]',
  summary: 'ends an experiment: everyone gets the candidate',
  run: (context) => withReleases(context, { decides: true }, async (releases) => {
    const { assessment, look } = await theExperiment(context, releases);
    const shipping = (note: ChangeNote): ChangePlan => planShip(look.model, look.reading, assessment.environment, note);
    const gated = await gatedPlan({ ...context, options: { ...context.options, override: undefined } }, releases.target, look.reading, shipping);
    const { final, overridable } = advanceHurdles(assessment, await userIdOf(context, releases));
    const blocks: GateVerdict['blocks'] = [
      ...(final.length > 0 ? [{ gate: 'release', reasons: final, overridable: false }] : []), ...(overridable.length > 0 ? [{ gate: 'statistics', reasons: overridable, overridable: true }] : []), ...gated.verdict.blocks,
    ];
    const { plan, verdict } = await withOverride(context.options, { ...gated.verdict, kind: blocks.length > 0 ? 'block' : gated.verdict.kind, blocks }, gated.plan, shipping);
    writeExperiment(context, assessment);
    return applied(context, releases, plan, verdict);
  }),
};

export const keep: Command = {
  name: 'keep',
  usage: 'keep [--model M] [--flag F] [--reason TEXT] [--dry-run] [--json]',
  summary: 'ends an experiment: the current model stays',
  run: keepCurrent,
};

/** Nobody gets the candidate: for that a plan that cannot be read is not needed. */
async function keepCurrent(context: CliContext): Promise<number> {
  const { options } = context;
  const { file } = await connectCli(context);
  const unread = flagOfUnreadPlan(file, options);
  if (unread !== undefined) return runChange({ ...context, options: { ...options, flag: unread } }, (reading) => wholeWay(reading, options.reason ?? 'the current model stays', options.environment), undefined);
  return withReleases(context, { decides: false }, async (releases) => {
    const { assessment, look } = await theExperiment(context, releases);
    writeExperiment(context, assessment);
    return applied(context, releases, planKeep(look.model.plan ?? [], look.reading, { reason: options.reason }), { kind: 'pass', warnings: [], blocks: [] });
  });
}

async function theExperiment(context: CliContext, releases: CliReleases): Promise<LookedAt> {
  const looked = await theRelease(context, releases);
  const { look: { model } } = looked;
  if (!isExperiment(model.plan ?? [])) throw new AppError('validation', `${model.name} is released in stages, and ship and keep end experiments: a plan with one share for everyone. Use advance, complete or rollback.`, { reason: 'noExperiment' });
  return looked;
}

function writeExperiment({ options, write }: CliContext, assessment: LookedAt['assessment']): void {
  if (options.json === true) return;
  for (const line of [...experimentLines(assessment), ...assessment.verdict.reasons.map(({ words }) => words)]) write(`  ${plainLine(line, 400)}\n`);
}

export const timeline: Command = {
  name: 'timeline',
  usage: 'timeline [--model M] [--flag F] [--json | --markdown]',
  summary: 'who changed a release, when, why, by which evidence',
  details: 'From Unleash\'s event log alone, also what segments and parents did to its reach. Unleash shows edits of segments to administrators only.',
  run: (context) => withReleases(context, { decides: false }, async ({ target: { client, project }, reader }) => {
    const { model, flag } = meantRelease(context, reader);
    const { options, signal, write } = context;
    const told = releaseTimeline(model.name, model.plan ?? [], await readHistory(client, client.baseUrl, project, flag, signal));
    if (options.json === true) writeJson(write, told);
    else write(options.markdown === true ? timelineMarkdown(told) : timelineText(told));
    return 0;
  }),
};
