import { compileCondition, compileNumber, compileValue, type Compiled, type Expression, type ExpressionProblem, type FieldTypes } from '../expressions/expression.ts';
import { nearest } from '../workspace/suggest.ts';
import { parseDuration } from '../base/duration.ts';
import { reportOfLogOnly } from './ofLogOnly.ts';
import { toleranceProblems } from './tolerances.ts';
import { lookbackMs, prometheusTarget, reportQueries, sliceEntries, type PrometheusTarget, type Report } from './prometheusTarget.ts';
import { RECORD_FIELDS } from './recordFields.ts';
import type { SkewDefinition } from './skew.ts';
import { qualitySchema, type MetricSection, type QualitySection } from '../workspace/quality.ts';

const HOUR_MS = 3_600_000;
const [LEAST_WINDOW_MS, USUAL_WINDOW_MS] = [1000, 300_000];
/** Of production, for drift. */
const DRIFT_HOURS = 24;

export const RECORD_TYPES: FieldTypes = { fields: RECORD_FIELDS, others: true, emptyWhereAbsent: ['error'] };

/** The name of the guardrail that no one has to declare: the arm was chosen, and no prediction is told. */
export const MISSING_ANSWERS = 'missing answers';

export type Measure = NonNullable<MetricSection['measure']>;

/** A metric, ready to be evaluated. */
export interface MetricDefinition {
  readonly name: string;
  readonly role: 'guardrail' | 'signal';
  /** `bad`: share of bad events, compared as a ratio; `mean`: compared as a difference. */
  readonly kind: 'bad' | 'mean';
  readonly better: 'lower' | 'higher';
  readonly expression?: Expression<boolean | number>;
  readonly measure?: Measure;
  /** Whether it needs outcomes. */
  readonly labelled: boolean;
  readonly maxRatio: number;
  readonly minRate: number;
  readonly acceptRatio: number;
  /** A rate or mean that must not be passed in any case, above for `lower`, below for `higher`. */
  readonly limit?: number;
  /** In the units of the mean. */
  readonly margin: number;
  /** What was written, for people and for digests. */
  readonly written: string;
}

export interface LabelDefinition {
  readonly field: string;
  readonly matureAfterMs: number;
  readonly absentMeans?: number | boolean | string;
  readonly threshold: number;
  /** The file says the threshold, so it divides scores of whatever kind; else 0.5 does, which means something to probabilities only. */
  readonly isThresholdGiven?: true;
  readonly band: number;
}

export type QualitySourceTarget =
  /** `designEffect`: how much more bad events vary than independent requests would, for records that name no unit. */
  | { readonly kind: 'log'; readonly log: readonly string[]; readonly outcomes: readonly string[]; readonly designEffect?: number }
  | { readonly kind: 'prometheus'; readonly prometheus: PrometheusTarget }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

/** What drift is measured against. */
export type DriftReferenceTarget =
  | { readonly kind: 'file'; readonly path: string }
  /** The data set of the run of a version: `candidate`, `current`, an alias or a version. */
  | { readonly kind: 'training'; readonly version: string; readonly dataset?: string }
  /** The same hours of an earlier week, from the log itself. */
  | { readonly kind: 'earlier'; readonly weeks: number; readonly hours: number };

/** What columns of a reference that is a file say of its rows. */
export interface ReferenceColumns {
  /** How many rows each stands for; undefined: one. */
  readonly weight?: string | undefined;
  /** Whose it is; undefined: each is of a unit of its own. */
  readonly unit?: string | undefined;
}

export interface DriftDefinition {
  readonly reference?: DriftReferenceTarget;
  readonly columns: ReferenceColumns;
  readonly features?: readonly string[];
  /** How many hours of production are looked at, up to now. */
  readonly windowHours: number;
}

/** The section `quality:` of a model. */
export interface QualityDefinition {
  /** What it was read from: plain data, so that a thread can read it again. */
  readonly section: unknown;
  readonly source?: QualitySourceTarget;
  readonly labels: LabelDefinition;
  readonly where?: Expression<boolean>;
  readonly metrics: readonly MetricDefinition[];
  readonly slices: readonly Expression<number | string | boolean>[];
  readonly drift: DriftDefinition;
  readonly skew?: SkewDefinition;
  readonly windowMs: number;
}

/** What a schema cannot tell; `path` below `quality`, `at` within the text that stands there. */
export interface QualityProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly at?: { readonly start: number; readonly end: number };
  /** Where it is not given: an error. */
  readonly severity?: 'warning';
}

const HIGHER: ReadonlySet<string> = new Set(['accuracy', 'precision', 'recall', 'pr_auc', 'confident']);
const NEEDS_LABELS: ReadonlySet<string> = new Set(['accuracy', 'precision', 'recall', 'pr_auc', 'brier']);

/** An entry of `by` of a log: `country` is `features.country`, for outcomes, which alone have fields of other names, are not known yet. Their own field, and what is nearly one of the record's, are refused as they stand. */
function asFeature(text: string, outcome: string): string {
  const isOther = /^[a-zA-Z_]\w*$/.test(text) && text !== outcome && !Object.hasOwn(RECORD_FIELDS, text) && nearest(text, Object.keys(RECORD_FIELDS)) === undefined;
  return isOther ? `features.${text}` : text;
}

/** A field that nobody knows is one of the outcome, unless it is nearly one of the record's. */
function misspelt({ paths }: Expression<unknown>): string | undefined {
  for (const [first = ''] of paths) {
    if (Object.hasOwn(RECORD_FIELDS, first)) continue;
    const meant = nearest(first, Object.keys(RECORD_FIELDS));
    if (meant !== undefined) return `there is no field ${first}. Did you mean "${meant}"? A field of the outcome needs a name that is not so near`;
  }
  return undefined;
}

export function readsOutcome({ paths }: Expression<unknown>): boolean {
  return paths.some(([first = '']) => !Object.hasOwn(RECORD_FIELDS, first));
}

/** Whether what asks for `error` is true of records that did well: of one that says nothing, and of one with a value in every other field, so that it is not the other fields' doing. */
function isTrueWithoutError({ paths, evaluate }: Expression<unknown>): boolean {
  if (!paths.some(([first]) => first === 'error')) return false;
  const filled: Record<string, unknown> = {};
  for (const [first = '', ...below] of paths) {
    if (first === 'error') continue;
    const type = Object.hasOwn(RECORD_FIELDS, first) ? RECORD_FIELDS[first] : 'any';
    const value = type === 'boolean' ? false : type === 'text' ? 'x' : 1;
    filled[first] = below.length === 0 ? value : { ...filled[first] as object | undefined, ...below.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object };
  }
  return evaluate({}) === true && evaluate(filled) === true;
}

class Reader {
  readonly problems: QualityProblem[] = [];
  readonly report = (path: QualityProblem['path'], message: string, severity?: 'warning'): void => void this.problems.push({ path, message, ...(severity === undefined ? {} : { severity }) });

  expression<T>(compiled: Compiled<T>, path: QualityProblem['path']): Expression<T> | undefined {
    const add = (message: string, at?: ExpressionProblem): void => void this.problems.push({ path, message, ...(at === undefined ? {} : { at }) });
    if ('problem' in compiled) {
      add(compiled.problem.message, compiled.problem);
      return undefined;
    }
    const message = misspelt(compiled.expression);
    if (message === undefined) return compiled.expression;
    add(message);
    return undefined;
  }

  metric(section: MetricSection, role: MetricDefinition['role'], path: QualityProblem['path']): MetricDefinition | undefined {
    const { bad, mean, measure } = section;
    const given = Object.entries({ bad, mean, measure }).filter(([, value]) => value !== undefined);
    if (given.length !== 1) {
      this.problems.push({ path: [...path, 'name'], message: given.length === 0 ? 'a metric needs bad, mean or measure, such as bad: "error"' : `a metric has one of bad, mean and measure, not ${given.map(([key]) => key).join(' and ')}` });
      return undefined;
    }
    const expression = bad !== undefined ? this.expression(compileCondition(bad, RECORD_TYPES), [...path, 'bad']) : mean !== undefined ? this.expression(compileNumber(mean, RECORD_TYPES), [...path, 'mean']) : undefined;
    if (measure === undefined && expression === undefined) return undefined;
    if (expression?.paths.length === 0) {
      this.problems.push({ path: [...path, bad === undefined ? 'mean' : 'bad'], message: 'reads no field of the record, so it says the same of every one: name what it shall be about, such as error or latency_ms' });
      return undefined;
    }
    if (bad !== undefined && expression !== undefined && isTrueWithoutError(expression)) {
      this.problems.push({ path: [...path, 'bad'], message: 'is true of records without error, so that every answer is bad: write error and ..., such as error and error != "timeout"' });
      return undefined;
    }
    if (bad !== undefined && section.better === 'higher') this.problems.push({ path: [...path, 'better'], message: 'fewer bad events are always better: leave it out, or take mean' });
    const isOfOutcomes = measure !== undefined && NEEDS_LABELS.has(measure);
    if (isOfOutcomes && section.better !== undefined && section.better !== (HIGHER.has(measure) ? 'higher' : 'lower')) this.problems.push({ path: [...path, 'better'], message: `${measure} is better the ${HIGHER.has(measure) ? 'higher' : 'lower'} it is: leave it out` });
    if (section.name.trim().toLowerCase() === MISSING_ANSWERS) {
      this.problems.push({ path: [...path, 'name'], message: `${MISSING_ANSWERS} is the guardrail that is there by itself, of answers that the exposure counters miss: choose another name` });
      return undefined;
    }
    const maxRatio = section.max_ratio ?? 1.2;
    const metric: MetricDefinition = {
      name: section.name,
      role,
      kind: bad === undefined ? 'mean' : 'bad',
      better: bad !== undefined ? 'lower' : (isOfOutcomes ? undefined : section.better) ?? (measure !== undefined && HIGHER.has(measure) ? 'higher' : 'lower'),
      ...(expression === undefined ? {} : { expression }),
      ...(measure === undefined ? {} : { measure }),
      labelled: measure === undefined ? expression !== undefined && readsOutcome(expression) : NEEDS_LABELS.has(measure),
      maxRatio,
      minRate: section.min_rate ?? 0,
      acceptRatio: section.accept_ratio ?? Number((1.5 * maxRatio).toPrecision(12)),
      ...(section.limit === undefined ? {} : { limit: section.limit }),
      margin: section.margin ?? 0,
      written: JSON.stringify(given),
    };
    const wrong = toleranceProblems(section, metric, path);
    this.problems.push(...wrong);
    // With other numbers it would be another metric.
    return wrong.every(({ severity }) => severity === 'warning') ? metric : undefined;
  }

  /** Who is compared, and by which slices, must be known when a prediction is counted: outcomes come later. Of other sources only the queries and the command know it. */
  early<T>(compiled: Compiled<T>, path: QualityProblem['path'], isLog: boolean): Expression<T> | undefined {
    const expression = this.expression(compiled, path);
    const late = expression === undefined || !isLog ? undefined : expression.paths.find(([first = '']) => !Object.hasOwn(RECORD_FIELDS, first))?.[0];
    if (late === undefined) return expression;
    this.problems.push({ path, message: `${late} is a field of the outcome, which is not known yet when a prediction is counted: name one of the prediction, such as features.${late}` });
    return undefined;
  }

  /** A shorter window would hold hardly more than one record, of one arm, and would compare nothing. */
  windowMs(written = '5min'): number {
    const found = parseDuration(written) ?? 0;
    if (found >= LEAST_WINDOW_MS) return found;
    this.problems.push({ path: ['window'], message: 'must be at least 1s, such as 5min, and so long that most windows have records of both arms' });
    return USUAL_WINDOW_MS;
  }

  labelField(field = 'outcome'): string {
    if (!Object.hasOwn(RECORD_FIELDS, field)) return field;
    this.problems.push({ path: ['labels', 'field'], message: `${field} is what the prediction says, not what turned out to be true: name the field of the outcome, such as outcome or defaulted` });
    return 'outcome';
  }

  referenceColumns(drift: QualitySection['drift']): ReferenceColumns {
    const { reference, weight, unit } = drift ?? {};
    const isFile = typeof reference === 'string' || (reference !== undefined && 'training' in reference);
    for (const [key, column] of Object.entries({ weight, unit })) if (column !== undefined && !isFile) this.problems.push({ path: ['drift', key], message: 'is a column of the reference, which must be a file, such as data/train.parquet' });
    return { weight, unit };
  }

  source(content: QualitySection): QualitySourceTarget | undefined {
    const { source } = content;
    if (source === undefined) return undefined;
    const { log, outcomes, prometheus, exec, design_effect } = source;
    const given = Object.entries({ log, prometheus, exec }).filter(([, value]) => value !== undefined);
    if (given.length !== 1) {
      this.problems.push({ path: ['source'], message: given.length === 0 ? 'must name one source: log, prometheus or exec' : `names ${given.map(([key]) => key).join(' and ')}: keep one of them` });
      return undefined;
    }
    if (log === undefined && design_effect !== undefined) this.problems.push({ path: ['source', 'design_effect'], message: 'is of a log whose records name no unit: Prometheus has its own, below prometheus, and a command prints it' });
    if (log === undefined) reportOfLogOnly(prometheus === undefined ? 'exec' : 'prometheus', content, this.report);
    if (log !== undefined) return { kind: 'log', log: [log].flat(), outcomes: outcomes === undefined ? [] : [outcomes].flat(), ...(design_effect === undefined ? {} : { designEffect: design_effect }) };
    if (exec !== undefined) return { kind: 'exec', command: exec };
    if (prometheus === undefined) return undefined;
    return { kind: 'prometheus', prometheus: prometheusTarget(prometheus, content, this.report) };
  }
}

function skewDefinition({ exec, abs, rel, max_share, sample, lookback }: NonNullable<QualitySection['skew']>, report: Report): SkewDefinition {
  return { command: exec, abs: abs ?? 0, rel: rel ?? 1e-6, maxShare: max_share ?? 0.01, sample: sample ?? 1000, lookbackMs: lookbackMs(lookback, ['skew'], report) };
}

function referenceTarget(written: NonNullable<NonNullable<QualitySection['drift']>['reference']>): DriftReferenceTarget {
  if (typeof written === 'string') return { kind: 'file', path: written };
  if ('weeks_ago' in written) return { kind: 'earlier', weeks: written.weeks_ago, hours: written.hours ?? DRIFT_HOURS };
  return { kind: 'training', version: written.training, ...(written.dataset === undefined ? {} : { dataset: written.dataset }) };
}

/** Production is one window for what is measured of it: that of the hours of an earlier week, where nothing else is said. */
function driftDefinition(columns: ReferenceColumns, { reference, features, window }: NonNullable<QualitySection['drift']> = {}): DriftDefinition {
  const target = reference === undefined ? undefined : referenceTarget(reference);
  return {
    columns, ...(target === undefined ? {} : { reference: target }), ...(features === undefined ? {} : { features }),
    windowHours: window === undefined ? (target?.kind === 'earlier' ? target.hours : DRIFT_HOURS) : (parseDuration(window) ?? 0) / HOUR_MS,
  };
}

/**
 * Reads the content of `quality:`. What the schema refuses is told by the schema; here the rest: expressions with their places, metrics without or with two
 * definitions, names that stand twice. What is right is in `quality`, whatever else is wrong; undefined when the section cannot be read at all.
 */
export function readQuality(section: unknown): { readonly quality?: QualityDefinition; readonly problems: readonly QualityProblem[] } {
  const parsed = qualitySchema.safeParse(withoutUnknown(section));
  if (!parsed.success) return { problems: [] };
  const content = parsed.data;
  const reader = new Reader();
  const listed = (key: 'guardrails' | 'signals'): MetricDefinition[] => ((content[key] ?? []) as readonly MetricSection[]).flatMap((each, index) => reader.metric(each, key === 'guardrails' ? 'guardrail' : 'signal', [key, index]) ?? []);
  const metrics = [...listed('guardrails'), ...listed('signals')];
  for (const [index, { name, role }] of metrics.entries()) {
    if (metrics.findIndex((other) => other.name === name) !== index) reader.problems.push({ path: [`${role}s`], message: `the metric ${name} stands twice: give each a name of its own` });
  }
  const isLog = content.source?.prometheus === undefined && content.source?.exec === undefined;
  const where = content.where === undefined ? undefined : reader.early(compileCondition(content.where, RECORD_TYPES), ['where'], isLog);
  const source = reader.source(content);
  if (source?.kind === 'prometheus') reportQueries(source.prometheus, metrics, reader.report);
  const { labels } = content;
  // By the clock of the prediction every outcome would be late, and everything absent.
  if (labels?.absent_means !== undefined && labels.mature_after === undefined) reader.report(['labels', 'absent_means'], 'needs mature_after beside it: how long after its prediction an outcome may come before it counts as absent; 0s where it stands in the record of the prediction');
  const [field, late] = [reader.labelField(labels?.field), metrics.filter(({ labelled }) => labelled)];
  if (labels?.absent_means !== undefined && late.length > 0 && !late.some(({ measure, expression }) => measure !== undefined || expression?.paths.some(([first]) => first === field) === true)) {
    reader.report(['labels', 'absent_means'], `is what a missing ${field} means, which no metric reads: name by labels.field the one that they do, and of others write coalesce(revenue, 0)`);
  }
  return {
    problems: reader.problems,
    quality: {
      section,
      ...(source === undefined ? {} : { source }),
      labels: {
        field,
        matureAfterMs: parseDuration(labels?.mature_after ?? '0s') ?? 0,
        ...(labels?.absent_means === undefined ? {} : { absentMeans: labels.absent_means }),
        threshold: labels?.threshold ?? 0.5,
        ...(labels?.threshold === undefined ? {} : { isThresholdGiven: true }),
        band: labels?.band ?? 0.1,
      },
      ...(where === undefined ? {} : { where }),
      metrics: metrics.filter(({ name }, index) => metrics.findIndex((other) => other.name === name) === index),
      slices: sliceEntries(content.by, reader.report).flatMap(({ text, path }) => reader.early(compileValue(isLog ? asFeature(text, field) : text, RECORD_TYPES), path, isLog) ?? []),
      drift: driftDefinition(reader.referenceColumns(content.drift), content.drift),
      ...(content.skew === undefined ? {} : { skew: skewDefinition(content.skew, reader.report) }),
      windowMs: reader.windowMs(content.window),
    },
  };
}

/** Unknown keys have been reported as errors, by which nobody decides; what is shown is the rest of the section. */
function withoutUnknown(section: unknown): unknown {
  const result = qualitySchema.safeParse(section);
  const unknown = result.success ? [] : result.error.issues.filter(({ code }) => code === 'unrecognized_keys');
  if (unknown.length === 0) return section;
  const copy = structuredClone(section);
  for (const issue of unknown) {
    const parent = issue.path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown>)[step], copy) as Record<string, unknown>;
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) Reflect.deleteProperty(parent, key);
  }
  return copy;
}
