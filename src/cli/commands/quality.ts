import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { roleName } from '../../core/models/mapping.ts';
import { compareArms, type ComparisonReport, type MetricComparison } from '../../core/quality/comparison.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { DRIFT_DEFINITIONS } from '../../core/quality/drift.ts';
import type { FeatureOptions } from '../../core/quality/featureCollector.ts';
import { histogramQuantile } from '../../core/quality/histogram.ts';
import { candidateLimits, limitVerdict, limitWindows, type CandidateLimit } from '../../core/quality/limits.ts';
import { againstWords, driftFindings, unmeasured } from '../../core/quality/productionDrift.ts';
import { blocksText, comparisonBlocks, driftBlocks, driftDefinitions, limitBlocks, markdownDocument, notesBlock, SHOWN_QUANTILES, skewBlocks, statusBlocks, type Block } from '../../core/quality/reportText.ts';
import { trainingData } from '../../core/quality/trainingData.ts';
import { shadowIn, shadowReport } from '../../core/quality/shadow.ts';
import { shadowBlocks } from '../../core/quality/shadowText.ts';
import { evidenceSince, sinceWords } from '../../core/quality/productionShare.ts';
import { dataSince } from '../../core/quality/since.ts';
import type { ArmSummary, QualityData, ShadowPairs } from '../../core/quality/window.ts';
import { recordScope } from '../../core/releases/armVariants.ts';
import type { EvidenceStart } from '../../core/releases/allocation.ts';
import { didYouMean } from '../../core/workspace/suggest.ts';
import type { ModelMapping, WorkspaceConfig } from '../../core/workspace/config.ts';
import { prometheusCredentials } from '../../adapters/prometheus/credentials.ts';
import { openQualitySource, qualityOf } from '../../adapters/quality/open.ts';
import { prepareReference, withReference, type FoundTrainingData } from '../../adapters/quality/reference.ts';
import { checkSkew, type SkewPlace } from '../../adapters/quality/skew.ts';
import { refuseOthers } from '../arguments.ts';
import { CONFIGURATION_FILE } from '../configuration.ts';
import { exitCode } from '../exitCodes.ts';
import { writeJson, type CliContext, type Command } from '../context.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';
import { changeShadow } from './changes.ts';

/** As of `unleash.environment`, where that is not given. */
const DEFAULT_ENVIRONMENT = 'production';
/** Of the help. */
export const FINDINGS = 'Exit: 0 no guardrail is worse or past its limit, 1 one is, 2 modelswitch.yaml or the usage is wrong, 5 nothing could be read or compared, or a part only. --percent is what the candidate was configured to get, for the check of the sample ratio.';
const COMPARED_BY = ['model', 'environment', 'percent', 'json', 'markdown'] as const;

interface Opened {
  readonly model: ModelMapping;
  readonly definition: QualityDefinition;
  readonly config: WorkspaceConfig;
}

/** Exit code 1 is a finding: what acts on it must not act where nothing could be looked at. */
function looking(run: Command['run']): Command['run'] {
  return (context) => run(context).catch((thrown: unknown) => {
    const error = toAppError(thrown);
    throw exitCode(error) === 1 ? new AppError('network', error.message, error.data, error) : error;
  });
}

/** The model that is meant: `--model`, or the only one with quality. @throws AppError notFound, validation */
async function openModel(context: CliContext): Promise<Opened> {
  const { options } = context;
  const config = await readConfiguration(context, { model: options.model });
  const models = config.models.filter(({ quality }) => quality !== undefined);
  const names = models.map(({ name }) => name);
  const found = options.model === undefined ? models : models.filter(({ name }) => name === options.model);
  const [model] = found;
  if (model?.quality === undefined) {
    throw new AppError('notFound', options.model === undefined ? `No model of ${CONFIGURATION_FILE} in this folder has quality:${config.models.length === 0 ? ' (the file is not there, or names no model)' : ''}.` : `${options.model} has no quality: in modelswitch.yaml.${didYouMean(options.model, names) || (names.length === 0 ? '' : ` There are: ${names.join(', ')}.`)}`);
  }
  if (found.length > 1) throw new AppError('validation', `Give --model NAME: ${names.join(', ')} have quality.`);
  return { model, definition: model.quality, config };
}

/**
 * What the windows are called of a source that tells no environments: the queries of Prometheus select one, of which they do not say the name.
 * @throws AppError notFound for an environment that modelswitch.yaml does not know: nothing in the answer would tell it from one that is right
 */
function environmentName({ options: { environment } }: CliContext, { model: { plan }, definition: { source }, config: { unleash } }: Opened): string {
  if (environment === undefined || source?.kind !== 'prometheus') return environment ?? unleash?.environment ?? '';
  const known = [...new Set([unleash?.environment ?? DEFAULT_ENVIRONMENT, ...(plan ?? []).map((stage) => stage.environment)])].sort();
  if (known.includes(environment)) return environment;
  throw new AppError('notFound', `modelswitch.yaml knows no environment "${environment}".${didYouMean(environment, known) || ` There are: ${known.join(', ')}.`} Which one the numbers of Prometheus are of, its queries say.`);
}

async function read(context: CliContext, opened: Opened, extra: Pick<FeatureOptions, 'features' | 'edges' | 'categories'> = {}): Promise<QualityData> {
  const { env, cwd, signal } = context;
  const { model } = opened;
  const source = openQualitySource(qualityOf(model), {
    folder: cwd, ...recordScope(model), environment: environmentName(context, opened),
    fetch: (url, init) => fetch(url, init), credentialsFor: prometheusCredentials(env), ...extra,
  });
  const onProgress = (done: number, total: number): void => context.progress(`${model.name}: ${total > 0 ? Math.floor(Math.min(100, (100 * done) / total)) : 0} % read`);
  try {
    return await source.read({ now: Date.now(), signal, onProgress });
  } finally {
    context.progress('');
    source.dispose();
  }
}

/** The environments to tell about: the one that was asked for, or all. @throws AppError notFound */
function environments(data: QualityData, wanted: string | undefined): readonly string[] {
  const all = [...new Set(data.arms.map(({ environment }) => environment))].sort();
  if (wanted === undefined) return all;
  if (all.includes(wanted)) return [wanted];
  const there = all.map((environment) => (environment === '' ? 'some that name none' : environment)).join(', ');
  const known = all.length === 0 ? 'There is no record at all.' : all.join('') === '' ? 'No record names an environment: leave --environment out.' : `There are: ${there}.`;
  throw new AppError('notFound', `There is no record of the environment "${wanted}". ${known}`);
}

/** `--percent 25`: what the candidate was configured to get, as long as the records go back. */
function shareAt({ options: { percent } }: CliContext): (() => number) | undefined {
  if (percent === undefined) return undefined;
  const share = Number(percent) / 100;
  if (!(share > 0 && share < 1)) throw new AppError('validation', `--percent takes the configured percent of the candidate, more than 0 and less than 100, not "${percent}".`);
  return () => share;
}

/** NaN and infinities, which JSON has not, as null and texts. */
export function jsonable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each: unknown) => (typeof each === 'number' && !Number.isFinite(each) ? (Number.isNaN(each) ? null : String(each)) : each)));
}

/** `title`: of the Markdown document. */
function print({ options, write }: CliContext, title: string, json: unknown, blocks: readonly Block[]): void {
  if (options.json === true) writeJson(write, jsonable(json));
  else write(options.markdown === true ? markdownDocument(title, blocks) : blocksText(blocks, false));
}

/** An environment: the comparison since evidence counts, and the arms of that time. */
interface Compared {
  readonly report: ComparisonReport;
  readonly limits: readonly CandidateLimit[];
  readonly since: EvidenceStart;
  readonly arms: readonly ArmSummary[];
  readonly blocks: readonly Block[];
}

/** Whether nothing but the configured share is missing for the check of the sample ratio. */
function mayCheck({ sampleRatio: { candidate, current } }: ComparisonReport, { unnamed, designEffect }: QualityData): boolean {
  return candidate > 0 && current > 0 && unnamed === undefined && designEffect === undefined;
}

function compared(context: CliContext, { definition }: Opened, data: QualityData): Compared[] {
  return environments(data, context.options.environment).map((environment) => {
    const since = evidenceSince(data, environment, undefined);
    const share = shareAt(context);
    const report = compareArms(data, definition, environment, { shareAt: share, since: since.at, now: Date.now() });
    const limits = candidateLimits(limitWindows(data, environment, { since: since.at }), data, definition, environment, { since: since.at, shareAt: share });
    return { report, limits, since, arms: dataSince(data, since.at).arms.filter((arm) => arm.environment === environment), blocks: [...comparisonBlocks(report), ...limitBlocks(limits, environment), { lines: [...(share === undefined && mayCheck(report, data) ? ['--percent N, what the candidate was configured to get all the time, has the sample ratio checked.'] : []), ...sinceWords(since)] }] };
  });
}

/** Why nothing was compared; undefined: something was, or no guardrail is declared. */
function nothingCompared(found: readonly Compared[], { notes: { excluded } }: QualityData, { where }: QualityDefinition): string | undefined {
  if (found.length === 0 && excluded === 0) return 'The source has no record of this model: nothing was compared.';
  if (found.length === 0) {
    const fields = [...new Set((where?.paths ?? []).map((path) => path.join('.')))];
    return plainLine(`where: leaves out all ${excluded.toLocaleString('en')} records of this model: nothing was compared. Where a record does not tell ${fields.join(' or ')}, it is left out, too.`, 1000);
  }
  const guardrails = found.flatMap(({ report: { metrics } }) => metrics.filter(({ role }) => role === 'guardrail'));
  if (guardrails.length === 0 || guardrails.some(isCompared) || found.some(({ limits }) => limits.some(({ state }) => state !== 'insufficient'))) return undefined;
  const reasons = [...new Set(guardrails.map(({ name, because }) => `${name}: ${because}`))].join('; ');
  if (guardrails.every(({ candidate, current }) => candidate.n === 0 && current.n === 0)) return plainLine(`No guardrail has a record of candidate or current: nothing was compared (${reasons}).`, 1000);
  const isAlone = guardrails.some(({ candidate, current }) => candidate.n > 0 && current.n === 0);
  return plainLine(`No guardrail was compared (${reasons}).${isAlone ? ' Where nobody is left to compare with, a guardrail judges the candidate by a limit of its own, such as limit: 0.05.' : ''}`, 1000);
}

/** Whether a guardrail has had both arms before it, and what they tell of it is alike and says something. */
function isCompared({ candidate, current, verdict, isRefused }: MetricComparison): boolean {
  return candidate.n > 0 && current.n > 0 && verdict !== 'no control' && verdict !== 'void' && isRefused !== true;
}

/** Exit code 1 when a guardrail is worse, or past its limit: a pipeline can stop on it. By a part of the numbers nothing is decided, neither that it is worse nor that it is not: that is as if the source had not answered, and so is a source in which there is nothing to compare. */
function exitOf(found: readonly Compared[], data: QualityData, { definition }: Opened, warn: CliContext['warn']): number {
  const { incomplete } = data.notes;
  if (incomplete !== undefined) {
    warn(`The source told a part only, by which nothing is decided: ${plainLine(incomplete, 200)}.`);
    return exitCode(new AppError('network', incomplete));
  }
  const nothing = nothingCompared(found, data, definition);
  if (nothing !== undefined) {
    warn(nothing);
    return exitCode(new AppError('network', nothing));
  }
  return found.some(({ report: { metrics, joint }, limits }) => joint.alarms || metrics.some(({ role, verdict }) => role === 'guardrail' && verdict === 'worse') || limits.some(({ state }) => state === 'passed')) ? 1 : 0;
}

/** A limit as JSON has it. */
function printedLimit(found: CandidateLimit): object {
  const { name, limit, n, value, since, because } = found;
  return { name, limit, candidate: { value, n }, verdict: limitVerdict(found), ...(because === undefined ? {} : { because }), ...(since === undefined ? {} : { since: new Date(since).toISOString() }) };
}

function printed({ report, limits, since: { at } }: Compared): ComparisonReport & { readonly limits: readonly object[]; readonly since: string | null } {
  return { ...report, limits: limits.map(printedLimit), since: at === undefined ? null : new Date(at).toISOString() };
}

export const quality: Command = {
  name: 'quality',
  usage: 'quality [--model M] [--environment E] [--percent N] [--json | --markdown]',
  summary: 'each arm in production: traffic, latency, metrics, verdicts',
  details: FINDINGS,
  run: looking(async (context) => {
    refuseOthers(context, 'quality', COMPARED_BY);
    const opened = await openModel(context);
    const data = await read(context, opened);
    const found = compared(context, opened, { ...data, windows: data.windows.filter(({ slice }) => slice === undefined) });
    const arms = found.flatMap((each) => each.arms);
    const status = arms.map(({ arm, environment, requests, units, lastSeen, latency, matured, labelled, labelDelay }) => ({ arm, environment, requests, units, lastSeen: lastSeen === 0 ? null : new Date(lastSeen).toISOString(), latencyMs: Object.fromEntries(SHOWN_QUANTILES.map((q) => [`p${100 * q}`, histogramQuantile(latency, q) ?? null])), matured, labelled, labelDelay: labelDelay ?? null }));
    print(context, `Quality of ${opened.model.name}`, { model: opened.model.name, arms: status, comparisons: found.map(printed), notes: data.notes }, [...statusBlocks({ ...data, arms }, Date.now()), ...found.flatMap(({ blocks }) => blocks), notesBlock(data.notes)]);
    return exitOf(found, data, opened, context.warn);
  }),
};

/** `compare` without versions: the arms of a release, with slices. */
export const compareReleased = looking(async (context) => {
  refuseOthers(context, 'compare', COMPARED_BY);
  const opened = await openModel(context);
  const data = await read(context, opened);
  const found = compared(context, opened, data);
  print(context, `Comparison of ${opened.model.name}`, { model: opened.model.name, comparisons: found.map(printed), notes: data.notes }, [...found.flatMap(({ blocks }) => blocks), notesBlock(data.notes)]);
  return exitOf(found, data, opened, context.warn);
});

/** The training data, where drift is measured against that of a version. @throws AppError */
async function trainingOf(context: CliContext, { model, definition: { drift: { reference } }, config }: Opened): Promise<FoundTrainingData | undefined> {
  if (reference?.kind !== 'training') return undefined;
  const registry = openCliRegistry(context, config);
  try {
    return trainingData(await registry.readVersion(model.registeredModel ?? model.name, roleName(model, reference.version), context.signal), reference.dataset);
  } finally {
    registry.close();
  }
}

function skewPlace({ options, cwd }: CliContext, { model }: Opened): SkewPlace {
  return { folder: cwd, flags: model.switches.map(({ flag }) => flag), environment: options.environment, now: Date.now() };
}

export const drift: Command = {
  name: 'drift',
  usage: 'drift [--model M] [--environment E] [--skew] [--json | --markdown]',
  summary: 'inputs and predictions against the training data, and by arm',
  options: { skew: { type: 'boolean' } },
  details: 'With --skew the command of skew: in modelswitch.yaml recomputes the features of logged requests; they are compared with those that were logged. Exit: 0 no drift, 1 drift or skew, 2 modelswitch.yaml or the usage is wrong, 5 nothing could be read or compared.',
  run: looking(async (context) => {
    refuseOthers(context, 'drift', ['model', 'environment', 'registry', 'json', 'markdown']);
    const opened = await openModel(context);
    const { features, reference } = opened.definition.drift;
    if (opened.definition.source?.kind !== 'log') throw new AppError('validation', 'Drift needs the records themselves: source: {log: ...}.');
    const prepared = await prepareReference(opened.definition, context.cwd, await trainingOf(context, opened), context.signal);
    const told = withReference(await read(context, opened, { features, ...prepared.bins }), prepared);
    const asked = environments(told, context.options.environment);
    const found = asked.flatMap((environment) => driftFindings(told, environment));
    const without = asked.map((environment) => unmeasured(told, environment, found, reference !== undefined));
    const nothing = asked.length === 0 ? ['Drift: nothing was compared: the log has no record of the flags of this model.'] : without.flat().map(({ words }) => words);
    const data = { ...told, notes: { ...told.notes, messages: [...told.notes.messages, ...nothing] } };
    const skew = context.own['skew'] === true ? await checkSkew(opened.definition, skewPlace(context, opened), context.signal) : undefined;
    const blocks = [
      ...found.flatMap((each) => driftBlocks(each.report, `${each.environment === '' ? '' : `${each.environment}: `}${each.production} against ${againstWords(each)}`)),
      ...(found.length === 0 ? [] : [driftDefinitions()]),
      ...(skew === undefined ? [] : skewBlocks(skew, (opened.definition.skew?.command ?? []).join(' '))),
    ];
    if (skew?.insufficient !== undefined) context.warn(`Feature skew is not known: ${skew.insufficient}.`);
    print(context, `Drift of ${opened.model.name}`, { model: opened.model.name, drift: found, ...(skew === undefined ? {} : { skew }), definitions: DRIFT_DEFINITIONS, notes: data.notes }, [...blocks, notesBlock(data.notes)]);
    if (found.some(({ report }) => report.features.some(({ alarm }) => alarm)) || (skew?.insufficient === undefined && skew?.features.some(({ alarm }) => alarm) === true)) return 1;
    // A pipeline that stops on drift must not go on because nobody looked. Environments without a record of the hours, or with one arm and no reference, keep others from nothing.
    const isUnknown = without.flat().some(({ isAsked }) => isAsked) || (skew === undefined && without.every(({ length }) => length > 0));
    const unknown = skew?.insufficient ?? (isUnknown ? nothing.join(' ') : undefined);
    return unknown === undefined ? 0 : exitCode(new AppError('network', unknown));
  }),
};

const NO_PAIRS = 'Nothing was compared: no shadow answer has the request_id of an answer that was served.';

/** The pairs of the environment that was asked for, or of each. @throws AppError notFound */
function shadows({ options: { environment: wanted }, warn }: CliContext, data: QualityData): readonly ShadowPairs[] {
  if (data.shadow === undefined) {
    // They say what is wrong with records that are none.
    for (const line of blocksText([notesBlock(data.notes)], false).split('\n')) if (line !== '') warn(line);
    throw new AppError('notFound', 'The source has no shadow answers: records with role "shadow" and the request_id of what was served.');
  }
  if (wanted === undefined) return data.shadow;
  const [environment = ''] = environments(data, wanted);
  const found = shadowIn(data.shadow, environment);
  if (found === undefined) throw new AppError('notFound', `The source has no shadow answers to what was served in "${environment}". There are some in ${data.shadow.map((each) => `"${each.environment}"`).join(', ')}.`);
  return [found];
}

const readShadow = looking(async (context) => {
  refuseOthers(context, 'shadow', ['model', 'environment', 'json', 'markdown']);
  const opened = await openModel(context);
  if (opened.definition.source?.kind !== 'log') throw new AppError('validation', 'Shadow answers need the records themselves: source: {log: ...}.');
  const data = await read(context, opened);
  const reports = shadows(context, data).map(shadowReport);
  print(context, `Shadow of ${opened.model.name}`, { model: opened.model.name, shadow: reports, notes: data.notes }, [...reports.flatMap(shadowBlocks), notesBlock(data.notes)]);
  if (reports.some((report) => report.pairs > 0)) return 0;
  context.warn(NO_PAIRS);
  return exitCode(new AppError('network', NO_PAIRS));
});

export const shadow: Command = {
  name: 'shadow',
  usage: 'shadow [--model M] [--environment E] [--json | --markdown] | shadow --flag F --environment E (--on [--percent N] | --off | --percent N)',
  summary: 'the candidate\'s shadow answers beside those that were served',
  options: { on: { type: 'boolean' }, off: { type: 'boolean' } },
  details: 'With --on, --off or --percent the flag F.shadow is changed, and made at 0 % where there is none: it samples the requests for which the candidate is asked in the shadow. --dry-run shows the change.',
  run: (context) => (context.own['on'] === true || context.own['off'] === true || context.options.percent !== undefined ? changeShadow(context) : readShadow(context)),
};
