import { countWords, utcTime } from '../../core/base/words.ts';
import type { MetricComparison } from '../../core/quality/comparison.ts';
import { histogramQuantile } from '../../core/quality/histogram.ts';
import { areProportions, proportionInterval } from '../../core/quality/proportions.ts';
import { number, percent, quantileNotes, quantileWords, valueWords } from '../../core/quality/reportText.ts';
import { NO_MOMENTS, type Moments } from '../../core/quality/stats/confidenceSequence.ts';
import { normalPoint, type Interval } from '../../core/quality/stats/intervals.ts';
import type { ArmSummary, Histogram, ProductionWindow, QualityWindow } from '../../core/quality/window.ts';
import type { Chart, Series } from '../../shared/dashboard.ts';

/** As many points as a chart of usual width can tell apart. */
const MOST_POINTS = 240;
const BARS = 20;
const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const;

export type ArmName = Series['arm'];

/** Where windows lie in time: neighbours are taken together where there are too many of them. Milliseconds since 1970. */
export interface TimeAxis {
  readonly starts: readonly number[];
  /** When the last window of each point ended. */
  readonly ends: readonly number[];
  /** The number of the point that a window belongs to. */
  readonly indexOf: (start: number) => number;
}

export function timeAxis(windows: readonly QualityWindow[]): TimeAxis {
  const all = [...new Set(windows.map(({ start }) => start))].sort((a, b) => a - b);
  const together = Math.max(1, Math.ceil(all.length / MOST_POINTS));
  const index = new Map(all.map((start, place) => [start, Math.floor(place / together)]));
  const indexOf = (start: number): number => index.get(start) ?? 0;
  const ends: number[] = [];
  for (const { start, end } of windows) ends[indexOf(start)] = Math.max(ends[indexOf(start)] ?? 0, end);
  return { starts: all.filter((_, place) => place % together === 0), ends, indexOf };
}

/** Where nothing was told for longer than this many times the usual distance of points, a line ends. */
const GAP = 3;

/** Points and series of a chart over time, with one without a value in each gap: no line shall lead over hours of which nothing is known. */
export function overTime({ starts, ends }: TimeAxis, series: readonly Series[]): Pick<Chart, 'x' | 'series'> {
  const distances = starts.slice(1).map((start, at) => start - (starts[at] ?? 0)).sort((a, b) => a - b);
  const usual = distances[Math.floor(distances.length / 2)] ?? 0;
  const isBefore = starts.map((_, at) => (starts[at + 1] ?? 0) - (ends[at] ?? 0) > GAP * usual);
  const spread = <T>(values: readonly T[], gap: (at: number) => T): T[] => values.flatMap((value, at) => (isBefore[at] === true ? [value, gap(at)] : [value]));
  const nothing = (): null => null;
  return {
    x: spread(starts, (at) => ends[at] ?? 0).map((start) => start / 1000),
    series: series.map(({ values, low, high, n, ...rest }) => ({
      ...rest, values: spread(values, nothing), ...(low === undefined ? {} : { low: spread(low, nothing) }), ...(high === undefined ? {} : { high: spread(high, nothing) }), ...(n === undefined ? {} : { n: spread(n, () => 0) }),
    })),
  };
}

/** In a table whose head says that it is UTC. */
export function shortTime(ms: number): string {
  return utcTime(ms).slice(0, 19);
}

export function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Wilson's interval of a proportion, and the usual one of a mean; counts divided by the dispersion, for requests of one unit are not independent. At one look: decisions go by the table above. */
function pointInterval(isShare: boolean, { n, sum, squares }: Moments, dispersion: number): Interval | undefined {
  if (isShare) return proportionInterval({ n, sum }, dispersion);
  if (n < 2) return undefined;
  const effective = n / dispersion;
  const variance = Math.max(0, (squares - (sum * sum) / n) / (n - 1));
  const half = normalPoint(0.975) * Math.sqrt(variance / effective);
  return { low: sum / n - half, high: sum / n + half };
}

/** Whether every value in both arms was 0 or 1, by all that was read: a window of a mean may hold such values by chance. */
function isProportion({ kind, name }: MetricComparison, windows: readonly QualityWindow[]): boolean {
  return kind === 'bad' || areProportions(windows.map(({ metrics }) => metrics[name] ?? NO_MOMENTS));
}

function armSeries(metric: MetricComparison, windows: readonly QualityWindow[], axis: TimeAxis, arm: 'candidate' | 'current'): Series {
  const sums = axis.starts.map((): Moments => NO_MOMENTS);
  for (const { arm: own, start, metrics } of windows) {
    if (own !== arm) continue;
    const [at, added] = [axis.indexOf(start), metrics[metric.name] ?? NO_MOMENTS];
    const before = sums[at] ?? NO_MOMENTS;
    sums[at] = { n: before.n + added.n, sum: before.sum + added.sum, squares: before.squares + added.squares };
  }
  const isShare = isProportion(metric, windows);
  const intervals = sums.map((each) => pointInterval(isShare, each, metric.dispersion));
  return {
    label: arm, arm, n: sums.map(({ n }) => n), values: sums.map(({ n, sum }) => known(sum / n)),
    low: intervals.map((each) => known(each?.low ?? Number.NaN)), high: intervals.map((each) => known(each?.high ?? Number.NaN)),
  };
}

/** One metric of both arms over time, with intervals. */
export function metricChart(metric: MetricComparison, windows: readonly QualityWindow[], axis: TimeAxis): Chart {
  const series = (['candidate', 'current'] as const).map((arm) => armSeries(metric, windows, axis, arm));
  const words = (value: number | null | undefined): string => (typeof value === 'number' ? valueWords(metric, value) : '-');
  const rows = axis.starts.map((start, at) => [shortTime(start), ...series.flatMap(({ values, low, high, n }) => [
    typeof values[at] === 'number' ? `${words(values[at])} (${words(low?.[at])} to ${words(high?.[at])})` : '-', countWords(n?.[at] ?? 0),
  ])]).reverse();
  return {
    id: `metric ${metric.name}`, title: metric.name, kind: 'time', unit: metric.kind === 'bad' ? 'share' : 'number', ...overTime(axis, series),
    table: { title: `${metric.name} over time, newest first`, columns: ['from (UTC)', 'candidate', 'n', 'current', 'n'], rows },
  };
}

function armName(arm: string): ArmName {
  return arm === 'candidate' || arm === 'current' ? arm : 'other';
}

function inBars({ edges, counts }: Histogram): number[] {
  const bars = new Array<number>(BARS).fill(0);
  // Bin i holds values up to and including edge i.
  for (const [bin, count] of counts.entries()) {
    const middle = ((edges[bin - 1] ?? 0) + (edges[bin] ?? 1)) / 2;
    const bar = Math.max(0, Math.min(BARS - 1, Math.floor(middle * BARS)));
    bars[bar] = (bars[bar] ?? 0) + count;
  }
  return bars;
}

/** What bars of equal width divide. */
interface BarScale {
  readonly low: number;
  readonly high: number;
}

const UNIT_SCALE: BarScale = { low: 0, high: 1 };

/** Each divided first: the difference may be too large for a number. */
function widthOf({ low, high }: BarScale): number {
  return high / BARS - low / BARS;
}

export function barChart(id: string, title: string, arms: readonly { readonly label: string; readonly arm: ArmName; readonly bars: readonly number[] }[], scale: BarScale = UNIT_SCALE): Chart | undefined {
  const told = arms.map((each) => ({ ...each, total: each.bars.reduce((sum, count) => sum + count, 0) })).filter(({ total }) => total > 0);
  if (told.length === 0) return undefined;
  const width = widthOf(scale);
  const x = Array.from({ length: BARS }, (_, bar) => scale.low * (1 - bar / BARS) + scale.high * (bar / BARS));
  // As many digits as tell two ends apart.
  const digits = Math.min(15, Math.max(3, 2 + Math.ceil(Math.log10(Math.max(Math.abs(scale.low), Math.abs(scale.high)) / width))));
  return {
    id, title, kind: 'bars', x, unit: 'share',
    series: told.map(({ label, arm, bars, total }) => ({ label, arm, values: bars.map((count) => count / total), n: [...bars] })),
    table: { title, columns: ['score', ...told.flatMap(({ label }) => [label, 'n'])], rows: x.map((low, bar) => [`${number(low, digits)} to ${number(low + width, digits)}`, ...told.flatMap(({ bars, total }) => [percent((bars[bar] ?? 0) / total), countWords(bars[bar] ?? 0)])]) },
  };
}

/** A few scores may be outside of 0 to 1 by rounding; with more than this share they are no probabilities. */
const MOST_OUTSIDE = 0.01;

/**
 * How confident each arm is: its scores, as shares. Their bins end at 0 and 1, so those of a regression would all be told as certain: such are shown by the samples of the last hours, from the least to the largest.
 */
export function scoreChart(arms: readonly ArmSummary[], production?: ProductionWindow): Chart | undefined {
  const samples = arms.flatMap(({ arm, environment }) => (production?.parts ?? []).filter((part) => part.arm === arm && part.environment === environment).map(({ features }) => ({ label: arm, arm: armName(arm), values: features.find(({ name }) => name === 'score')?.values ?? [] })));
  const isOutside = ({ values }: { readonly values: readonly number[] }): boolean => values.filter((value) => value < 0 || value > 1).length > MOST_OUTSIDE * values.length;
  if (samples.some(isOutside)) return sampleChart('scores', `Scores by arm, ${production?.name ?? ''}: they are no probabilities`, samples);
  // Of those with an outcome the first bin holds what is below 0, the last what is above 1.
  const isLabelledOutside = arms.some(({ labelledScore: { counts } }) => (counts[0] ?? 0) + (counts.at(-1) ?? 0) > MOST_OUTSIDE * counts.reduce((sum, count) => sum + count, 0));
  if (isLabelledOutside) return undefined;
  return barChart('scores', 'Confidence: scores by arm', arms.map(({ arm, score }) => ({ label: arm, arm: armName(arm), bars: inBars(score) })));
}

/** From 0 to 1 where all values are there, as probabilities are; else from the least to the largest of all of them. */
function scaleOf(values: readonly number[]): BarScale {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
  if (values.length === 0 || (low >= 0 && high <= 1)) return UNIT_SCALE;
  return { low, high: widthOf({ low, high }) > 0 ? high : low + Math.max(1, Math.abs(low) / 1e6) };
}

/** Values of several arms in the same bars. */
export function sampleChart(id: string, title: string, samples: readonly { readonly label: string; readonly arm: ArmName; readonly values: readonly number[] }[]): Chart | undefined {
  const scale = scaleOf(samples.flatMap(({ values }) => values));
  return barChart(id, title, samples.map(({ values, ...rest }) => {
    const bars = new Array<number>(BARS).fill(0);
    for (const value of values) {
      const bar = Math.max(0, Math.min(BARS - 1, Math.floor(scale === UNIT_SCALE ? value * BARS : (value / 2 - scale.low / 2) / (widthOf(scale) / 2))));
      bars[bar] = (bars[bar] ?? 0) + 1;
    }
    return { ...rest, bars };
  }), scale);
}

/** Quantiles by arm. One above the last boundary of its buckets has no point: the table says above what it is. */
export function latencyChart(arms: readonly ArmSummary[]): Chart | undefined {
  const told = arms.map(({ arm, latency }) => ({ arm, latency, n: latency.counts.reduce((sum, count) => sum + count, 0) })).filter(({ n }) => n > 0);
  if (told.length === 0) return undefined;
  const labels = QUANTILES.map((q) => `p${Number((100 * q).toPrecision(4))}`);
  const title = 'Latency quantiles by arm, ms';
  const notes = quantileNotes(told, QUANTILES);
  return {
    id: 'latency', title, kind: 'steps', x: QUANTILES.map((_, at) => at), labels, unit: 'ms',
    series: told.map(({ arm, latency }) => ({ label: arm, arm: armName(arm), values: QUANTILES.map((q) => known(histogramQuantile(latency, q)?.value ?? Number.NaN)) })),
    table: { title: notes.length === 0 ? title : `${title}. ${notes.join(' ')}`, columns: ['arm', 'n', ...labels], rows: told.map(({ arm, latency, n }) => [arm, countWords(n), ...QUANTILES.map((q) => quantileWords(latency, q))]) },
  };
}
