import { parseDuration } from '../base/duration.ts';
import { plainLine } from '../base/words.ts';
import type { MetricDefinition } from './definitions.ts';
import { isYesOrNo } from './tolerances.ts';
import { sliceTitle } from './slices.ts';
import type { MetricSection, QualitySection } from '../workspace/quality.ts';
import { prometheusUrlProblem } from '../workspace/url.ts';
import { absenceProblem, mixProblem, queryProblem, ruleOf, withoutComments } from './promql.ts';

/** What Prometheus is asked for; `$arm` and `$range` are put in. */
export interface PrometheusQuery {
  readonly total: string;
  readonly bad?: string;
  readonly good?: string;
  readonly sum?: string;
  readonly squares?: string;
}

export interface PrometheusTarget {
  readonly url: string;
  /** Sent with every question: names the tenant, where there are several. */
  readonly headers: Readonly<Record<string, string>>;
  readonly designEffect: number;
  readonly lookbackMs: number;
  readonly queries: Readonly<Record<string, PrometheusQuery>>;
  /** The buckets of a histogram of latencies, and how many milliseconds its unit is. */
  readonly latency?: { readonly buckets: string; readonly unitMs: number };
  /** By the texts of `by`: the label whose values are the slices. */
  readonly slices: Readonly<Record<string, string>>;
  readonly arms: Readonly<Record<string, string>>;
}

type PrometheusSection = NonNullable<NonNullable<QualitySection['source']>['prometheus']>;
export type Report = (path: readonly (string | number)[], message: string, severity?: 'warning') => void;

const LEAST_LOOKBACK_MS = 1000;
const UNITS_MS = { s: 1000, ms: 1 } as const;
const LABEL = /^[a-zA-Z_]\w*$/;

/** How far back is read, in milliseconds: a day where nothing else is said. `path` is that of the section which says it. */
export function lookbackMs(written: string | undefined, path: readonly string[], report: Report): number {
  const found = parseDuration(written ?? '1d') ?? 86_400_000;
  if (found < LEAST_LOOKBACK_MS) report([...path, 'lookback'], 'must be at least 1s, such as 1d: nothing is read otherwise');
  return found;
}

/** The entries of `by`, which is one or a list of them, with their places below `quality`; of several whose slices would be called alike the first. `report` is told of the others. */
export function sliceEntries(by: QualitySection['by'] = [], report?: Report): readonly { readonly text: string; readonly path: readonly (string | number)[] }[] {
  if (typeof by === 'string') return [{ text: by, path: ['by'] }];
  return by.flatMap((text, index) => {
    const first = by.findIndex((other) => sliceTitle(other) === sliceTitle(text));
    if (first === index) return [{ text, path: ['by', index] }];
    report?.(['by', index], `has the slices of ${by[first] ?? ''}, which stands before it: leave it out, for they are counted once`, 'warning');
    return [];
  });
}

/** The label of each entry of `by`: the one that `slices` names, else that of its own name. */
function sliceLabels(entries: ReturnType<typeof sliceEntries>, named: Readonly<Record<string, string>>, report: Report): Record<string, string> {
  for (const text of Object.keys(named)) {
    if (!entries.some((entry) => entry.text === text)) report(['source', 'prometheus', 'slices', text], `by has no entry ${text}, whose label this would be`);
  }
  return Object.fromEntries(entries.flatMap(({ text, path }): [string, string][] => {
    const label = named[text] ?? text.replace(/^features\./, '');
    if (LABEL.test(label)) return [[text, label]];
    report(path, `${text} is no name that a label can have: say which label has its values, as slices: {${JSON.stringify(text)}: label} of source.prometheus`);
    return [];
  }));
}

/** What is no count of a window. */
function reportLevels({ queries, latency }: PrometheusSection, report: Report): void {
  const check = (path: readonly string[], written: string): void => {
    const problem = queryProblem(written);
    if (problem !== undefined) report(['source', 'prometheus', ...path], problem);
  };
  for (const [name, query] of Object.entries(queries)) for (const [key, written] of Object.entries(query)) if (written !== undefined) check(['queries', name, key], written);
  if (latency !== undefined) check(['latency', 'buckets'], latency.buckets);
}

/** The arms as labels say them. By one label for both, both would be told alike, and nothing could ever be worse. */
function armLabels(named: Readonly<Record<string, string>>, report: Report): Record<string, string> {
  const at = ['source', 'prometheus', 'arms'];
  const labels: Record<string, string> = { candidate: 'candidate', current: 'current' };
  for (const [arm, label] of Object.entries(named)) {
    if (Object.hasOwn(labels, arm)) labels[arm] = label;
    else report([...at, arm], `there is no arm ${arm}: name candidate and current`);
  }
  const { candidate = '', current = '' } = labels;
  if (candidate === current) report(at, `says ${current} for candidate and current, so both arms would be told alike: name the label of each`);
  return labels;
}

/** Reads `source.prometheus`; `report` is told what a schema cannot tell, with its path below `quality`. */
export function prometheusTarget(section: PrometheusSection, { guardrails, signals, by }: QualitySection, report: Report): PrometheusTarget {
  const { url, tenant, tenant_header, lookback, design_effect, latency, slices } = section;
  const wrong = prometheusUrlProblem(url);
  if (wrong !== undefined) report(['source', 'prometheus', 'url'], wrong);
  if (tenant_header !== undefined && tenant === undefined) report(['source', 'prometheus', 'tenant_header'], 'needs tenant: the id that it names');
  const queries = Object.fromEntries(Object.entries(section.queries).map(([name, query]) => [name, Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as unknown as PrometheusQuery]));
  for (const { name } of [...(guardrails ?? []) as readonly MetricSection[], ...(signals ?? []) as readonly MetricSection[]]) {
    if (queries[name] === undefined) report(['source', 'prometheus', 'queries'], `has no query for the metric ${name}`);
  }
  reportLevels(section, report);
  return {
    url, headers: tenant === undefined ? {} : { [tenant_header ?? 'X-Scope-OrgID']: tenant }, lookbackMs: lookbackMs(lookback, ['source', 'prometheus'], report), designEffect: design_effect, queries,
    ...(latency === undefined ? {} : { latency: { buckets: latency.buckets, unitMs: UNITS_MS[latency.unit] } }),
    slices: sliceLabels(sliceEntries(by), slices ?? {}, report), arms: armLabels(section.arms ?? {}, report),
  };
}

/**
 * What is wrong with queries by what their metrics are: those by which a metric could never alarm, because both arms are told alike, or nothing is told of what is asked. A mean without the sum of squares is
 * told without an interval and decides nothing: as a guardrail it would guard nothing.
 */
export function reportQueries({ queries, latency }: PrometheusTarget, metrics: readonly MetricDefinition[], report: Report): void {
  const at = ['source', 'prometheus', 'queries'];
  for (const [name, query] of Object.entries(queries)) {
    for (const [key, text] of Object.entries(query) as readonly [string, string][]) {
      if (!withoutComments(text).includes('$arm')) report([...at, name, key], 'has no $arm, so both arms would be told alike: write the label that says the arm, such as {arm="$arm"}');
      const rule = ruleOf(text);
      if (rule !== undefined) report([...at, name, key], `reads ${plainLine(rule, 60)}, which by the colon may be a recording rule: one that sums processes falls where one of them ends, and no release goes on by it. Where it is none, or keeps instance or pod, all is well; else name the counters themselves`, 'warning');
    }
  }
  if (latency !== undefined && !withoutComments(latency.buckets).includes('$arm')) report(['source', 'prometheus', 'latency', 'buckets'], 'has no $arm, so both arms would be told alike: write the label that says the arm, such as {arm="$arm"}');
  for (const metric of metrics) {
    const query = queries[metric.name];
    if (query === undefined) continue;
    reportForms(metric, query, (key, message) => report([...at, metric.name, key], message));
    reportQuery(metric, query, (key, message, severity) => report(key === undefined ? [...at, metric.name] : [...at, metric.name, key], message, severity));
  }
}

/** Queries of a metric that are not counted alike, or would count what is missing as none; of those that tell no counts that is said elsewhere. */
function reportForms(metric: MetricDefinition, { total, ...others }: PrometheusQuery, report: (key: string, message: string) => void): void {
  for (const [key, written] of Object.entries(others) as readonly [string, string][]) {
    if ([total, written].some((each) => queryProblem(each) !== undefined)) continue;
    const isNoneWhereMissing = key === 'bad' || (key === 'sum' && isYesOrNo(metric));
    const problem = mixProblem(total, written) ?? (isNoneWhereMissing ? absenceProblem(written) : undefined);
    if (problem !== undefined) report(key, problem);
  }
}

function reportQuery(metric: MetricDefinition, { bad, good, sum, squares }: PrometheusQuery, report: (key: keyof PrometheusQuery | undefined, message: string, severity?: 'warning') => void): void {
  if (metric.kind === 'bad') {
    if (bad === undefined && good === undefined) report(undefined, 'counts all, and not the bad ones: add bad, or good, the counter of those that are not bad');
    if (bad !== undefined && good !== undefined) report('good', 'is told twice: keep bad or good');
    for (const [key, text] of [['sum', sum], ['squares', squares]] as const) if (text !== undefined) report(key, 'is for means: bad events are counted by bad or good');
    return;
  }
  if (sum === undefined) report(undefined, `has no sum of the values: ${metric.measure === undefined ? 'a mean' : 'a measure'} is sum through total`);
  for (const [key, text] of [['bad', bad], ['good', good]] as const) if (text !== undefined) report(key, 'is for bad events: the mean is of sum');
  if (sum === undefined || squares !== undefined || isYesOrNo(metric)) return;
  const mend = 'add squares, the counter of the squared values; where values are only 0 and 1, write the mean as a condition, such as converted == 1';
  if (metric.role === 'guardrail') report(undefined, `tells a mean without squares, which has no interval, so it could never alarm: ${mend}`);
  else report(undefined, `tells a mean without squares, which has no interval: it is shown and decides nothing. ${mend.replace('add', 'Add')}`, 'warning');
}
