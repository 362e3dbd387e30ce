import { countedFrom, shareDuring, type EvidenceStart } from '../../core/releases/allocation.ts';
import { timelineNotes, timelineTable, type ReleaseTimeline } from '../../core/releases/releaseTimeline.ts';
import { plainLine, utcTime } from '../../core/base/words.ts';
import type { ComparisonReport } from '../../core/quality/comparison.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { againstReference, againstWords, unmeasured, type DriftFinding } from '../../core/quality/productionDrift.ts';
import { driftAlarms, elsewhere, silences } from '../../core/quality/productionWords.ts';
import { sinceWords, type ReleaseHistory } from '../../core/quality/productionShare.ts';
import { comparisonBlocks, driftBlocks, driftDefinitions, markdownDocument, notesBlock, percent, skewBlocks, statusBlocks, type Block } from '../../core/quality/reportText.ts';
import { shadowIn, shadowReport } from '../../core/quality/shadow.ts';
import { shadowBlocks } from '../../core/quality/shadowText.ts';
import type { SkewReport } from '../../core/quality/skew.ts';
import { dataSince } from '../../core/quality/since.ts';
import type { ArmSummary, QualityData } from '../../core/quality/window.ts';
import type { DashboardModel, DriftTable, Table } from '../../shared/dashboard.ts';
import { latencyChart, metricChart, sampleChart, scoreChart, timeAxis } from './dashboardCharts.ts';
import { shadowStateWords, whyNoDrift, whyNoLatency, whyNoScores, whyNoShadow, whyNoSlices } from './dashboardReasons.ts';
import { rolloutChart } from './rolloutChart.ts';

export interface DashboardSkew {
  readonly command: string;
  readonly last: { readonly report: SkewReport; readonly at: number } | undefined;
}

/** The flag that samples requests for the shadow. */
export interface ShadowFlag {
  readonly name: string;
  /** Its rollout in the environment that is shown, in words; undefined where there is no such flag. */
  readonly rollout: string | undefined;
}

/** What a dashboard is made of. */
export interface DashboardInput {
  readonly model: string;
  readonly flag: string;
  readonly environment: string;
  /** What is declared: the source, metrics, slices and what drift is measured against. */
  readonly definition: QualityDefinition;
  readonly data: QualityData;
  /** From when on observations count. */
  readonly since: EvidenceStart;
  /** The comparison in that environment since then, with slices. */
  readonly report: ComparisonReport;
  readonly drift: readonly DriftFinding[];
  /** Where features can be recomputed: by what, and what came of the last time. */
  readonly skew?: DashboardSkew | undefined;
  /** Undefined where nobody is connected, so that it is not known. */
  readonly shadowFlag?: ShadowFlag | undefined;
  readonly history: ReleaseHistory | undefined;
  /** What happened to the release; undefined where nobody is connected. */
  readonly timeline?: ReleaseTimeline | undefined;
  readonly readAt: number;
  readonly failure: string | undefined;
  /** What is wrong with the file that names the source: shown is what it said before. */
  readonly wrong?: string | undefined;
  readonly now: number;
}

/** A dashboard may be of a service with a thousand slices; the export and the command line have all of them. */
const MOST_SLICES = 200;
const MOST_ENTRIES = 200;
const MOST_BINS = 30;

function tables(blocks: readonly Block[]): Table[] {
  return blocks.flatMap((block) => ('lines' in block ? [] : [{ title: block.title, columns: [...block.columns], rows: block.rows.map((row) => row.map((cell) => plainLine(cell, 200))) }]));
}

function sentences(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => ('lines' in block ? block.lines.map((line) => plainLine(line, 400)) : []));
}

/** The arms of the environment, with histograms since evidence counts. */
export function countedArms({ data, environment, since }: Pick<DashboardInput, 'data' | 'environment' | 'since'>): readonly ArmSummary[] {
  return dataSince(data, countedFrom(since)).arms.filter((arm) => arm.environment === environment);
}

/** Everything that the dashboard shows, in words and plain numbers: nothing is computed where it is drawn. */
export function dashboardModel(input: DashboardInput): DashboardModel {
  const { model, flag, environment, data, report, history, readAt, failure, drift } = input;
  const windows = data.windows.filter((window) => window.environment === environment && window.slice === undefined);
  const arms = countedArms(input);
  const axis = timeAxis(windows);
  const blocks = comparisonBlocks(report);
  const [comparison, slices] = tables(blocks);
  const status = statusBlocks({ ...data, arms }, input.now);
  const [armTable] = tables(status);
  const [scores, latency, shadow] = [scoreChart(arms, data.production), latencyChart(arms), shadowOf(input)];
  return {
    model, flag, environment, readAt, environments: [...new Set(data.arms.map((arm) => arm.environment))].sort(), mayRetrain: driftAlarms(againstReference(drift)).length > 0,
    ...(failure === undefined ? {} : { failure }),
    alarms: alarmsOf(input),
    insufficient: insufficientOf(input),
    verdicts: report.metrics.map(({ name, verdict }) => ({ metric: name, verdict })),
    summary: [...sentences(blocks), ...sentences(status), ...sinceWords(input.since)],
    arms: armTable ?? { title: 'Arms', columns: [], rows: [] },
    comparison: comparison ?? { title: '', columns: [], rows: [] },
    rollout: rolloutChart(history?.given, windows, axis, input.now),
    metrics: report.metrics.flatMap((metric) => (windows.some(({ metrics }) => (metrics[metric.name]?.n ?? 0) > 0) && !isCurve(input.definition, metric.name) ? [metricChart(metric, windows, axis)] : [])),
    drift: drift.map(driftTable),
    driftDefinitions: drift.length === 0 ? [] : sentences([driftDefinitions()]),
    ...(input.skew === undefined ? {} : { skew: skewOf(input.skew) }),
    ...(scores === undefined ? {} : { scores }),
    ...(latency === undefined ? {} : { latency }),
    undrawn: [...(scores === undefined ? [whyNoScores(input, arms)] : []), ...(latency === undefined ? [whyNoLatency(input)] : [])],
    absent: { ...(drift.length > 0 ? {} : { drift: whyNoDrift(input) }), ...(slices === undefined ? { slices: whyNoSlices(input) } : {}), ...(shadow === undefined ? { shadow: whyNoShadow(input) } : {}) },
    ...(slices === undefined ? {} : { slices: cut(slices) }),
    ...(shadow === undefined ? {} : { shadow }),
    shadowState: shadowStateWords(input),
    ...timelineOf(input),
    notes: sentences([notesBlock(data.notes)]),
  };
}

function cut(table: Table): Table {
  const left = table.rows.length - MOST_SLICES;
  return left <= 0 ? table : { ...table, title: `${table.title}: the first ${MOST_SLICES} lines; ${left} more are in the exports`, rows: table.rows.slice(0, MOST_SLICES) };
}

/** The area under a curve has no value by window: windows hold the outcomes of such a metric, whose mean is another figure. */
function isCurve({ metrics }: QualityDefinition, metric: string): boolean {
  return metrics.some(({ name, measure }) => name === metric && measure === 'pr_auc');
}

function alarmsOf({ wrong, data, report, drift, history, now, readAt, skew }: DashboardInput): DashboardModel['alarms'] {
  const { sampleRatio, metrics, joint } = report;
  const configured = history === undefined ? undefined : shareDuring(history.given, now, now);
  const other = elsewhere(data, report.environment);
  return [
    ...(wrong === undefined ? [] : [{ about: 'file', words: wrong }]),
    ...metrics.filter(({ role, verdict }) => role === 'guardrail' && verdict === 'worse').map(({ name, because }) => ({ about: `metric ${name}`, words: `${name} is worse: ${because}.` })),
    ...(joint.alarms ? [{ about: 'guardrails together', words: 'The guardrails of counts alarm together.' }] : []),
    ...(other === undefined ? [] : [{ about: 'environment', words: `${other.words}: ${other.mend}.` }]),
    ...silences({ data, report, drift, configured, readAt }).map(({ arm, words }) => ({ about: `silence ${arm}`, words: `${arm}: ${words}.` })),
    ...(sampleRatio.verdict === 'mismatch' ? [{ about: 'sample ratio', words: `Sample ratio: ${sampleRatio.because}.` }] : []),
    ...driftAlarms(drift).map(({ feature, because }) => ({ about: `drift ${feature}`, words: `${feature} drifted: ${because}.` })),
    ...(skew?.last?.report.insufficient === undefined ? skew?.last?.report.features ?? [] : []).filter(({ alarm }) => alarm).map(({ feature, because }) => ({ about: `skew ${feature}`, words: `${feature} is skewed: ${because}.` })),
  ].map(({ about, words }) => ({ about, words: plainLine(words, 300) }));
}

/** What was not measured though drift.reference asks for it: nobody looked, and nothing is wrong by that. */
function insufficientOf({ data, environment, drift, definition }: DashboardInput): string[] {
  return unmeasured(data, environment, drift, definition.drift.reference !== undefined).filter(({ isAsked }) => isAsked).map(({ words }) => plainLine(words, 300));
}

function driftTable(finding: DriftFinding): DriftTable {
  const { production, reference, window, report } = finding;
  const blocks = driftBlocks(report, `${production} against ${againstWords(finding)}`);
  const [table] = tables(blocks);
  const share = (counts: readonly number[], at: number): number => { const total = counts.reduce((sum, count) => sum + count, 0); return total === 0 ? 0 : (counts[at] ?? 0) / total; };
  return {
    title: plainLine(table?.title ?? '', 200), columns: table?.columns ?? [], notes: sentences(blocks), production: plainLine(`${production}, ${window}`, 60), reference: plainLine(reference, 120),
    rows: report.features.map(({ alarm, bins }, index) => ({
      cells: table?.rows[index] ?? [], alarm,
      bins: shownBins(bins.labels.map((label, at) => ({ label: plainLine(label, 60), reference: share(bins.reference, at), production: share(bins.production, at) }))),
    })),
  };
}

type Bins = DriftTable['rows'][number]['bins'];

/** As many bins as a small picture has room for: the largest, and the rest as one. */
function shownBins(bins: Bins): Bins {
  if (bins.length <= MOST_BINS) return bins;
  const largest = new Set(bins.toSorted((a, b) => Math.max(b.reference, b.production) - Math.max(a.reference, a.production)).slice(0, MOST_BINS - 1));
  const rest = bins.filter((bin) => !largest.has(bin));
  const sum = (of: 'reference' | 'production'): number => rest.reduce((total, bin) => total + bin[of], 0);
  return [...bins.filter((bin) => largest.has(bin)), { label: `${rest.length} others`, reference: sum('reference'), production: sum('production') }];
}

function skewOf({ command, last }: DashboardSkew): NonNullable<DashboardModel['skew']> {
  if (last === undefined) return { lines: [plainLine(`Features were not recomputed yet. ${command} does it when it is asked to.`, 300)] };
  const blocks = skewBlocks(last.report, command);
  const [table] = tables(blocks);
  return { ...(table === undefined ? {} : { table }), lines: [...sentences(blocks), `Checked ${utcTime(last.at)}.`] };
}

function timelineOf({ timeline }: DashboardInput): Pick<DashboardModel, 'timeline'> {
  const [table] = timeline === undefined ? [] : tables([timelineTable(timeline, MOST_ENTRIES)]);
  return timeline === undefined || table === undefined ? {} : { timeline: { table, lines: timelineNotes(timeline) } };
}

function shadowOf({ data, environment }: DashboardInput): DashboardModel['shadow'] {
  const found = shadowIn(data.shadow, environment);
  if (found === undefined) return undefined;
  const scores = sampleChart('shadow scores', 'Scores of the same requests', [{ label: 'served', arm: 'current', values: found.served }, { label: 'shadow', arm: 'candidate', values: found.shadow }]);
  const blocks = shadowBlocks(shadowReport(found));
  return { tables: tables(blocks), lines: sentences(blocks), ...(scores === undefined ? {} : { scores }) };
}

/** The whole report as Markdown: what the command line prints, with what the event log tells. */
export function dashboardMarkdown(input: DashboardInput): string {
  const { model, flag, environment, data, report, drift, history, timeline, readAt, failure, skew } = input;
  const arms = countedArms(input);
  const shadow = shadowIn(data.shadow, environment);
  const configured: Block = { title: 'Configured share of the candidate', columns: ['from', 'share'], rows: (history?.given ?? []).map(({ from, share }) => [from === undefined ? 'before the event log' : utcTime(from), share === undefined ? 'depends on who asks' : percent(share)]) };
  const blocks = [
    { lines: failure === undefined ? [] : [`The last reading failed: ${failure}`] }, { lines: [...alarmsOf(input).map(({ words }) => `ALARM: ${words}`), ...insufficientOf(input).map((line) => `Insufficient data: ${line}`)] },
    ...(history === undefined ? [] : [configured]), ...statusBlocks({ ...data, arms }, readAt), ...comparisonBlocks(report), { lines: sinceWords(input.since) }, ...[latencyChart(arms), scoreChart(arms, data.production)].flatMap((chart) => (chart === undefined ? [] : [chart.table])),
    ...drift.flatMap((each) => driftBlocks(each.report, `Drift: ${each.production} against ${againstWords(each)}`)), ...(drift.length === 0 ? [] : [driftDefinitions()]), ...(skew?.last === undefined ? [] : skewBlocks(skew.last.report, skew.command)), ...(shadow === undefined ? [] : shadowBlocks(shadowReport(shadow))), ...(timeline === undefined ? [] : [timelineTable(timeline), { lines: timelineNotes(timeline) }]), notesBlock(data.notes),
  ];
  return markdownDocument(`${model} (${flag})${environment === '' ? ', records without an environment' : ` in ${environment}`}`, [{ lines: [`Read ${utcTime(readAt)}.`] }, ...blocks]);
}
