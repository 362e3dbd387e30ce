import { plainLine } from '../../core/base/words.ts';
import { histogramQuantile } from '../../core/quality/histogram.ts';
import { labelDelayWords } from '../../core/quality/labelDelay.ts';
import { driftVerdict } from '../../core/quality/drift.ts';
import { againstWords, type DriftFinding } from '../../core/quality/productionDrift.ts';
import { sinceWords } from '../../core/quality/productionShare.ts';
import { notesBlock, SHOWN_QUANTILES } from '../../core/quality/reportText.ts';
import { shadowIn, shadowReport, type ShadowReport } from '../../core/quality/shadow.ts';
import { shadowNotes } from '../../core/quality/shadowText.ts';
import type { FeatureSkew } from '../../core/quality/skew.ts';
import type { ArmSummary, Histogram } from '../../core/quality/window.ts';
import { MARK_TEXT, timelineNotes } from '../../core/releases/releaseTimeline.ts';
import type { Chart, DashboardModel } from '../../shared/dashboard.ts';
import { countedArms, type DashboardInput } from './dashboardModel.ts';

type Cell = string | number | null | undefined;

/** A line; what it does not have stays empty. */
interface Line {
  /** What the line is about, and of that which: a metric, a feature, a measure. */
  readonly part: string;
  readonly name: string;
  /** A time, a slice, a bin, a measure of a feature. */
  readonly at?: Cell;
  readonly arm?: string | undefined;
  readonly n?: Cell;
  readonly value?: Cell;
  readonly low?: Cell;
  readonly high?: Cell;
  readonly verdict?: string;
  readonly units?: number | undefined;
  readonly because?: string;
}

const COLUMNS = ['part', 'name', 'at', 'arm', 'n', 'value', 'low', 'high', 'verdict', 'units', 'because'] as const satisfies readonly (keyof Line)[];

/** A cell of a spreadsheet: text that a program would take for a formula begins with an apostrophe. NaN and infinities are no numbers there. */
function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function reportLines({ model, flag, environment, readAt, failure }: DashboardInput, { alarms, insufficient }: Pick<DashboardModel, 'alarms' | 'insufficient'>): Line[] {
  const part = 'report';
  return [
    { part, name: 'model', because: model }, { part, name: 'flag', because: flag }, { part, name: 'environment', because: environment }, { part, name: 'read', at: new Date(readAt).toISOString() },
    ...(failure === undefined ? [] : [{ part, name: 'the last reading failed', because: failure }]),
    ...alarms.map(({ words }) => ({ part, name: 'alarm', because: words })),
    ...insufficient.map((because) => ({ part, name: 'insufficient data', because })),
  ];
}

function comparisonLines({ sampleRatio, metrics, slices, joint }: DashboardInput['report']): Line[] {
  const ratio = { part: 'sample ratio', name: 'share of the candidate' };
  return [
    { ...ratio, at: 'observed', n: sampleRatio.candidate + sampleRatio.current, value: sampleRatio.observed, verdict: sampleRatio.verdict, because: sampleRatio.because },
    ...(sampleRatio.configured === undefined ? [] : [{ ...ratio, at: 'configured', value: sampleRatio.configured }]),
    ...metrics.map(({ name, role }) => ({ part: 'comparison', name, at: 'role', verdict: role })),
    ...[...metrics, ...slices].flatMap(({ name, slice, candidate, current, effect, interval, verdict, because }): Line[] => [
      ...([['candidate', candidate], ['current', current]] as const).map(([arm, { n, value, units, interval: own }]) => ({ part: 'comparison', name, at: slice, arm, n, value, low: own?.low, high: own?.high, units })),
      { part: 'comparison', name, at: slice, arm: 'candidate against current', n: candidate.n + current.n, value: effect, low: interval?.low, high: interval?.high, verdict, because },
    ]),
    { part: 'comparison', name: 'guardrails of counts together: evidence, and the level of the alarm', value: joint.evidence, high: joint.level, verdict: joint.alarms ? 'alarm' : 'no alarm' },
  ];
}

/** With the bucket that holds it, within which it is interpolated; above the last boundary there is no value. */
function quantileLine(arm: string, latency: Histogram, q: number): Line {
  const found = histogramQuantile(latency, q);
  return { part: 'arm', name: `p${100 * q} ms`, arm, n: latency.counts.reduce((sum, count) => sum + count, 0), value: found?.value, low: found?.low, high: found?.high, ...(found === undefined ? {} : { because: Number.isFinite(found.high) ? 'interpolated within the bucket from low to high' : 'above the last boundary, low' }) };
}

function armLines({ arm, requests, units, lastSeen, latency, matured, labelled, labelDelay }: ArmSummary): Line[] {
  const part = 'arm';
  return [
    { part, name: 'predictions', arm, n: requests, value: requests, ...(units === 0 ? {} : { units }) },
    { part, name: 'last seen', arm, at: lastSeen === 0 ? 'never' : new Date(lastSeen).toISOString() },
    ...SHOWN_QUANTILES.map((q) => quantileLine(arm, latency, q)),
    { part, name: 'labelled', arm, n: matured, value: matured === 0 ? undefined : Math.min(1, labelled / matured) },
    ...(labelDelay === undefined ? [] : [{ part, name: 'labels come after, ms', arm, at: 'median', n: labelDelay.known, value: labelDelay.median, because: labelDelayWords(labelDelay) }, { part, name: 'labels come after, ms', arm, at: 'p95', n: labelDelay.known, value: labelDelay.p95 }]),
  ];
}

function driftLines(finding: DriftFinding): Line[] {
  const { production, reference, report: { features, onlyReference, onlyProduction } } = finding;
  const arm = `${production} against ${againstWords(finding)}`;
  const part = 'drift';
  return [
    ...features.flatMap(({ feature: name, psi, noise, jensenShannon, kolmogorovSmirnov, wasserstein, chiSquared, unseen, unseenShare, alarm, because, bins, ...each }): Line[] => {
      const share = (counts: readonly number[], at: number): number => (counts[at] ?? 0) / counts.reduce((sum, count) => sum + count, 0);
      return [
        { part, name, at: 'PSI', arm, n: each.production.rows, value: psi, verdict: driftVerdict({ psi, alarm }), because },
        ...([['PSI noise', noise], ['Jensen-Shannon', jensenShannon], ['Kolmogorov-Smirnov', kolmogorovSmirnov?.distance], ['Kolmogorov-Smirnov p', kolmogorovSmirnov?.p], ['Wasserstein', wasserstein],
          ['chi-squared', chiSquared?.statistic], ['chi-squared p', chiSquared?.p], ['missing in the reference', each.reference.missing], ['missing in production', each.production.missing], ['PSI of missing', each.missingPsi]] as const).flatMap(([at, value]) => (value === undefined ? [] : [{ part, name, at, arm, value }])),
        { part, name, at: 'unseen', arm, value: unseenShare, because: unseen.join(', ') },
        ...bins.labels.flatMap((at, bin) => [{ part: 'drift bin', name, at, arm: reference, n: bins.reference[bin], value: share(bins.reference, bin) }, { part: 'drift bin', name, at, arm: production, n: bins.production[bin], value: share(bins.production, bin) }]),
      ];
    }),
    ...onlyReference.map((name) => ({ part, name, arm, because: 'only in the reference' })), ...onlyProduction.map((name) => ({ part, name, arm, because: 'only in production' })),
  ];
}

function skewLines({ skew }: DashboardInput): Line[] {
  const last = skew?.last;
  if (skew === undefined || last === undefined) return [];
  const { features, asked, told, unknown, notRecomputed, notLogged, insufficient } = last.report;
  const part = 'skew';
  return [
    { part, name: 'requests', at: new Date(last.at).toISOString(), n: asked, value: told, because: `recomputed by ${skew.command}${unknown === 0 ? '' : `; ${unknown} answers to requests that were not asked for`}` },
    ...features.flatMap(({ feature: name, requests, different, onlyLogged, onlyRecomputed, share, interval, alarm, because, largest }: FeatureSkew): Line[] => [
      { part, name, at: 'not equal', n: requests, value: share, low: interval.low, high: interval.high, verdict: insufficient !== undefined ? 'insufficient data' : alarm ? 'alarm' : 'no alarm', because },
      ...([['different', different], ['only logged', onlyLogged], ['only recomputed', onlyRecomputed]] as const).map(([at, value]) => ({ part, name, at, n: requests, value })),
      ...(largest === undefined ? [] : [{ part, name, at: 'largest difference', value: largest.difference, because: `${largest.logged} logged, ${largest.recomputed} recomputed (${largest.requestId})` }]),
    ]),
    ...(insufficient === undefined ? [] : [{ part, name: 'insufficient', because: insufficient }]),
    ...notRecomputed.map((name) => ({ part, name, because: 'not recomputed' })), ...notLogged.map((name) => ({ part, name, because: 'not in the log' })),
  ];
}

function agreementLine(at: string | undefined, agreement: ShadowReport['agreement'], none: string): Line {
  return { part: 'shadow', name: 'agreement', at, n: agreement?.decided, value: agreement?.share, low: agreement?.interval.low, high: agreement?.interval.high, ...(agreement === undefined ? { because: none } : {}) };
}

function shadowLines(report: ShadowReport): Line[] {
  const { pairs, unpaired, dropped, notProbable, servedNothing, shadowNothing, servedErrors, errors, agreement, difference, wasserstein, psi, mcnemar, slices, examples } = report;
  const part = 'shadow';
  return [
    agreementLine(undefined, agreement, 'no decision to agree on'),
    ...([
      ['pairs', pairs], ['pairs with scores that are no probabilities, without a threshold', notProbable], ['no answer of what was served', servedNothing], ['no answer of the shadow', shadowNothing], ['errors of what was served', servedErrors],
      ['answers without a partner', unpaired], ['answers that the service dropped', dropped], ['errors of the shadow', errors], ['|score difference| p50', difference.p50], ['|score difference| p95', difference.p95], ['|score difference| max', difference.max], ['scores: Wasserstein', wasserstein], ['scores: PSI', psi],
    ] as const).map(([name, value]) => ({ part, name, n: pairs, value })),
    ...(mcnemar === undefined ? [] : ([['only served right', mcnemar.onlyServedRight], ['only shadow right', mcnemar.onlyShadowRight], [`McNemar${mcnemar.exact ? ' (exact)' : ''}`, mcnemar.statistic], ['McNemar p', mcnemar.p]] as const).map(([name, value]) => ({ part, name, n: mcnemar.labelled, value }))),
    ...slices.map((each): Line => (each.agreement === undefined ? { part, name: 'mean |score difference|', at: each.slice, n: each.pairs, value: each.difference } : agreementLine(each.slice, each.agreement, ''))),
    ...examples.map(({ requestId, served, shadow, difference: value }) => ({ part, name: 'answers that differ most', at: requestId, value, because: `served ${served}, shadow ${shadow}` })),
    ...shadowNotes(report).map((name) => ({ part, name: plainLine(name, 400) })),
  ];
}

function historyLines({ history, timeline }: DashboardInput): Line[] {
  const configured = (history?.given ?? []).map(({ from, share }): Line => ({ part: 'configured', name: 'share of the candidate', at: from === undefined ? 'before the event log' : new Date(from).toISOString(), value: share, ...(share === undefined ? { because: 'depends on who asks' } : {}) }));
  if (timeline === undefined) return configured;
  return [
    ...configured,
    ...timeline.entries.toReversed().map(({ at, by, environment, what, title, mark, stage, events }): Line => ({
      part: 'history', name: what, at, arm: environment ?? 'every environment', ...(mark === undefined ? {} : { verdict: MARK_TEXT[mark] }),
      because: [...(stage === undefined ? [] : [stage]), `by ${by}`, ...(title === '' ? [] : [title]), `event ${events.join(', ')}`].join('; '),
    })),
    ...timelineNotes(timeline).map((name) => ({ part: 'history', name })),
  ];
}

/** Every point of a chart. What has no value over time is a gap of the line, were it a point that only ends it: nothing is known then. */
function chartLines(chart: Chart): Line[] {
  return chart.series.flatMap(({ label, x = chart.x, values, low, high, n }) => values.flatMap((value, at): Line[] => {
    if (value === null && chart.kind === 'time' && (n?.[at] ?? 0) === 0) return [];
    return [{ part: chart.id.split(' ')[0] ?? '', name: chart.title, at: pointName(chart, x, at), arm: label, n: n?.[at], value, low: low?.[at], high: high?.[at] }];
  }));
}

function pointName({ kind, labels }: Chart, x: readonly number[], at: number): string | number | undefined {
  if (kind === 'time') return new Date(Math.round(1000 * (x[at] ?? 0))).toISOString();
  return labels?.[at] ?? x[at];
}

/** All that the Markdown export has and every point of every chart, a line each, numbers unrounded. */
export function dashboardCsv(input: DashboardInput, { alarms, insufficient, rollout, metrics, scores, latency, shadow }: DashboardModel): string {
  const { data, environment, report, drift, since } = input;
  const pairs = shadowIn(data.shadow, environment);
  const lines: Line[] = [
    ...reportLines(input, { alarms, insufficient }), ...comparisonLines(report), ...countedArms(input).flatMap(armLines), ...drift.flatMap(driftLines), ...skewLines(input),
    ...(pairs === undefined ? [] : shadowLines(shadowReport(pairs))), ...historyLines(input),
    ...[rollout, ...metrics, scores, latency, shadow?.scores].flatMap((chart) => (chart === undefined ? [] : chartLines(chart))),
    ...[...sinceWords(since), ...[notesBlock(data.notes)].flatMap((block) => ('lines' in block ? block.lines : []))].map((line) => ({ part: 'note', name: plainLine(line, 400) })),
  ];
  return [COLUMNS.join(','), ...lines.map((line) => COLUMNS.map((column) => csvCell(line[column])).join(','))].map((line) => `${line}\r\n`).join('');
}
