import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from '../base/duration.ts';
import { quotable, type SourceRange } from './source.ts';

/** What must hold before a stage is left, beside its hold time and its sample. */
export const GATE_NAMES = ['suites', 'compatibility', 'statistics', 'approval'] as const;
export type GateName = (typeof GATE_NAMES)[number];
/** Open-source Unleash has this one and development, and no others. */
const PRODUCTION = 'production';
const USUAL_GATES: readonly GateName[] = ['suites', 'compatibility', 'statistics'];

/** One step of a release: whom it exposes, and what must hold before the next one. */
export interface Stage {
  readonly environment: string;
  /** Name of the segment whose members it is about; undefined: everyone. */
  readonly segment?: string;
  /** Share of that audience that gets the flag on, in whole per cent from 1 to 100. */
  readonly percent: number;
  /** Variant names to per cent of those who get the flag on; for flags whose variants switch the models. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Milliseconds for which the stage must have lasted. */
  readonly hold: number;
  /** Predictions of the candidate arm that it must have seen. */
  readonly minPredictions: number;
  readonly gates: readonly GateName[];
  /** The file lists the gates: each of them is asked for, also where nothing is set up that could answer it. */
  readonly areGatesListed?: true;
  /** Whether automation may go on to the next stage; otherwise a person does. */
  readonly auto: boolean;
  /** Where the stage stands. */
  readonly range: SourceRange;
}

function duration(description: string): z.ZodString {
  const error = 'must be a duration, such as 30m, 1h, 1h30m or 7d';
  return z.string({ error }).min(1, { error }).regex(new RegExp(DURATION_PATTERN), { error }).meta({ description, examples: ['1h'] });
}

function name(description: string, example: string): z.ZodString {
  const error = `must be text, such as ${example}`;
  return z.string({ error }).min(1, { error }).meta({ description, examples: [example] });
}

const percent = (description: string, least: number): z.ZodInt => {
  const error = `must be a whole number from ${least} to 100`;
  return z.int({ error }).min(least, { error }).max(100, { error }).meta({ description });
};

const stage = z.strictObject({
  environment: name('The Unleash environment.', 'production'),
  segment: name('The segment whose members this stage is about. Without one: everyone.', 'internal').optional(),
  percent: percent('Share of the audience that gets the candidate.', 1),
  weights: z.record(z.string(), percent('Share of a variant among those who get the flag on.', 0), { error: 'must be a mapping of variant names to per cent, such as {v14: 20}' })
    .meta({ description: 'How those who get the flag on divide into its variants, for flags whose variants switch the models. Variants that are not named share the rest.' }).optional(),
  hold: duration('How long the stage lasts at least. Default: no time.').optional(),
  min_predictions: z.int({ error: 'must be a whole number, such as 2000' }).min(0, { error: 'must not be negative' })
    .meta({ description: 'How many predictions of the candidate the stage must have seen. Default: 0.' }).optional(),
  gates: z.array(z.enum(GATE_NAMES, { error: `must be one of ${GATE_NAMES.join(', ')}` }), { error: `must be a list of ${GATE_NAMES.join(', ')}` })
    .meta({ description: `What must hold before the stage is left. Default: ${USUAL_GATES.join(', ')}, each where it is set up.` }).optional(),
  auto: z.boolean({ error: 'must be true or false' }).meta({ description: 'Whether the guard may go on from this stage by itself. Default: false, a person does.' }).optional(),
}, { error: 'must be a mapping of environment, percent and the conditions to leave the stage' }).meta({ description: 'One stage of the release.' });

export const planSchema = z.array(stage, { error: 'must be a list of stages, such as [{environment: production, percent: 5, hold: 1h}]' })
  .meta({ description: 'The stages of a release, in order: environment, audience, percent and the conditions to leave each stage.' });

/** A stage's wrong in words, and at which stage (index) and key. */
export interface PlanProblem {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly stage: number;
  readonly key?: string;
}

/** The stages of `plan:` that the schema accepts. With one that it does not accept there is no plan: what is left would be another one. */
export function readPlan(listed: unknown, rangeOf: (index: number) => SourceRange): { readonly stages: readonly Stage[]; readonly problems: readonly PlanProblem[] } {
  const parsed = planSchema.safeParse(listed);
  if (!parsed.success) return { stages: [], problems: [] };
  const stages = parsed.data.map((entry, index): Stage => ({
    environment: entry.environment,
    ...(entry.segment === undefined ? {} : { segment: entry.segment }),
    percent: entry.percent,
    ...(entry.weights === undefined ? {} : { weights: entry.weights }),
    hold: parseDuration(entry.hold ?? '') ?? 0,
    minPredictions: entry.min_predictions ?? 0,
    gates: entry.gates ?? USUAL_GATES,
    ...(entry.gates === undefined ? {} : { areGatesListed: true }),
    auto: entry.auto ?? false,
    range: rangeOf(index),
  }));
  const problems = stages.flatMap((each, index) => [...orderProblems(stages.slice(0, index), each, index), ...weightProblems(each, index)]);
  return { stages: problems.some(({ severity }) => severity === 'error') ? [] : stages, problems: [...problems, ...holdbackProblems(stages)] };
}

/** Which variants of one flag serve the same side, in words: counts and shares are read of one variant each, so the others would be left out. */
export function doubledVariants(switches: readonly { readonly flag: string; readonly variants?: Readonly<Record<string, string>> }[], current: string, candidate: string): string | undefined {
  for (const { flag, variants = {} } of switches) {
    for (const [side, names] of [['candidate', ['candidate', candidate]], ['current version', ['current', current]]] as const) {
      const both = Object.keys(variants).filter((variant) => names.includes(variants[variant] ?? ''));
      if (both.length > 1) return `${both.map(quotable).join(' and ')} of ${quotable(flag)} ${both.length === 2 ? 'both' : 'all'} serve the ${side}`;
    }
  }
  return undefined;
}

/** Stages that list statistics, of a model without a guardrail that they could go by. */
export function statisticsProblems(stages: readonly Stage[]): PlanProblem[] {
  const message = 'asks for statistics, and no guardrail can show that the candidate is not worse: declare one below quality, such as guardrails: [{name: errors, bad: error}], or take statistics out of its gates.';
  return stages.flatMap(({ gates, areGatesListed }, index) => (areGatesListed === true && gates.includes('statistics') ? [{ severity: 'error', stage: index, key: 'gates', message }] : []));
}

/** A `where` that leaves out members of segments and nobody else, for a log in which a feature names them. */
export function whereWithout(names: readonly string[]): string {
  return names.map((name) => `coalesce(features.group, "") != ${JSON.stringify(name)}`).join(' and ');
}

/** The first stage of each environment in which members of a segment have more than everyone's share, where nothing leaves them out of what is counted of everyone. */
export function memberProblems(stages: readonly Stage[]): PlanProblem[] {
  const told = new Set<string>();
  return stages.flatMap(({ environment }, index) => {
    const reached = stages.slice(0, index + 1).filter((each) => each.environment === environment);
    const everyone = reached.findLast(({ segment }) => segment === undefined)?.percent ?? 0;
    const newest = new Map(reached.flatMap(({ segment, percent }) => (segment === undefined ? [] : [[quotable(segment), percent] as const])));
    const members = [...newest].filter(([, percent]) => percent > everyone);
    if (everyone === 0 || members.length === 0 || told.has(environment)) return [];
    told.add(environment);
    const message = `compares everyone in ${environment}, of whom the members of segment ${members.map(([name, percent]) => `${name} have the candidate at ${percent} %`).join(', of ')}: they are no sample of everyone, and count as the candidate's, so what may be theirs alone neither lets the release go on nor takes it back. Leave them out, such as by quality: {where: '${whereWithout(members.map(([name]) => name))}'}.`;
    return [{ severity: 'warning' as const, stage: index, key: 'percent', message }];
  });
}

/** Where a stage is, in words: `production`, `segment internal of production`. */
export function stageAudience({ environment, segment }: Pick<Stage, 'environment' | 'segment'>): string {
  return segment === undefined ? environment : `segment ${quotable(segment)} of ${environment}`;
}

const sameAudience = (a: Stage, b: Stage): boolean => a.environment === b.environment && a.segment === b.segment;

/** A plan only goes up: going down is what roll back is for, and a stage that changes nothing could not be told from the one before. */
function orderProblems(earlier: readonly Stage[], stage: Stage, index: number): PlanProblem[] {
  const before = earlier.findLast((each) => sameAudience(each, stage));
  if (before === undefined) return [];
  const where = quotable(stageAudience(stage));
  if (stage.percent < before.percent) {
    return [{ severity: 'error', stage: index, key: 'percent', message: `lowers ${where} from ${before.percent} % to ${stage.percent} %: a plan only goes up, so remove the stage or put it before the other.` }];
  }
  if (stage.percent === before.percent && JSON.stringify(stage.weights) === JSON.stringify(before.weights)) {
    return [{ severity: 'error', stage: index, key: 'percent', message: `leaves ${where} at ${stage.percent} %, where an earlier stage has put it: lengthen the hold of that one instead.` }];
  }
  return [];
}

function weightProblems({ weights }: Stage, stage: number): PlanProblem[] {
  if (weights === undefined) return [];
  const sum = Object.values(weights).reduce((total, each) => total + each, 0);
  return sum <= 100 ? [] : [{ severity: 'error', stage, key: 'weights', message: `gives its variants ${sum} % in all: they must not exceed 100 %.` }];
}

/** At 100 % nobody is left to compare with: the stage before should have lasted long enough to trust it. */
function holdbackProblems(stages: readonly Stage[]): PlanProblem[] {
  return stages.flatMap((stage, index): PlanProblem[] => {
    if (stage.segment !== undefined || stage.percent !== 100 || stage.weights !== undefined) return [];
    const before = stages.slice(0, index).findLast((each) => sameAudience(each, stage));
    const warning = (message: string): PlanProblem[] => [{ severity: 'warning', stage: index, key: 'percent', message }];
    if (before !== undefined) {
      return before.hold > 0 ? [] : warning(`ends the comparison, and the stage before it (${before.percent} %) has no hold: keep a holdback for some days, such as {environment: ${stage.environment}, percent: 95, hold: 7d}.`);
    }
    return stage.environment === PRODUCTION ? warning('exposes all of production at once, so that there is never a control to compare with: put smaller stages before it.') : [];
  });
}
