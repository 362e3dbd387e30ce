import { AppError } from '../base/errors.ts';
import { limitVerdict, quantileBounds, ratioBounds } from './latency.ts';
import type { SuiteTest } from './load.ts';
import type { Row } from './model.ts';
import { numberWords } from './output.ts';
import { randomOf, type Random } from './random.ts';
import { together, type Measurement, type Outcome, type QuantileReport, type TestReport } from './report.ts';
import type { TestOf } from './schema.ts';
import type { Subject } from './subject.ts';
import { testReport } from './tally.ts';

const QUANTILES = [['p50', 0.5], ['p95', 0.95], ['p99', 0.99]] as const;
const ALPHA = 0.05;
const WARMUP = 20;
const SAMPLES = 300;

export interface Measuring {
  /** The candidate first; with a second subject both are measured in turns. */
  readonly subjects: readonly Subject[];
  readonly rows: readonly Row[];
  readonly seed: string;
  /** A clock for durations, in milliseconds with a fraction. */
  readonly ms: () => number;
  readonly signal: AbortSignal;
  readonly coldStartMs: number;
  /** After each request. */
  readonly onSample: () => void;
}

/** Requests of one batch size: milliseconds in the order in which they ended. */
interface Series {
  readonly times: number[];
  errors: number;
  error: string | undefined;
}

async function ask(subject: Subject, rows: readonly Row[], { ms, signal }: Measuring, into: Series | undefined): Promise<void> {
  if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
  const started = ms();
  const answers = await subject.predict(rows, signal);
  const took = ms() - started;
  if (into === undefined) return;
  const failed = answers.find((each) => 'failed' in each);
  if (failed === undefined) into.times.push(took);
  else {
    into.errors += 1;
    into.error ??= 'failed' in failed ? failed.message : undefined;
  }
}

/** The rows of a request, taken round the data. */
function batchAt(rows: readonly Row[], request: number, size: number): Row[] {
  return Array.from({ length: size }, (_, index) => rows[(request * size + index) % rows.length] ?? {});
}

/** Sends `count` requests to each subject, several workers at once; each worker asks both in turns, the first of them drawn anew, so that what slows the machine slows both. */
async function sample(measuring: Measuring, series: readonly Series[], count: number, size: number, concurrency: number, random: Random): Promise<number> {
  const { subjects, rows, ms, onSample } = measuring;
  let next = 0;
  const started = ms();
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, async () => {
    for (let request = next; request < count; request = next) {
      next += 1;
      const batch = batchAt(rows, request, size);
      const order = subjects.map((subject, index) => [subject, series[index]] as const);
      if (random.next() < 0.5) order.reverse();
      for (const [subject, into] of order) await ask(subject, batch, measuring, into);
      onSample();
    }
  }));
  return ms() - started;
}

function quantileReports(times: Float64Array, limits: Readonly<Partial<Record<string, number | undefined>>>, alpha: number): QuantileReport[] {
  return QUANTILES.map(([name, p]) => {
    const bounds = quantileBounds(times, p, alpha);
    const limit = limits[name];
    return { name, ...bounds, ...(limit === undefined ? {} : { limit, verdict: limitVerdict(bounds, limit) }) };
  });
}

function ratioReports(candidate: Float64Array, current: Float64Array, wanted: Readonly<Partial<Record<string, number | undefined>>>, alpha: number): QuantileReport[] {
  return QUANTILES.flatMap(([name, p]) => {
    const limit = wanted[name];
    if (limit === undefined) return [];
    const bounds = ratioBounds(candidate, current, p, alpha);
    return [{ name, ...bounds, limit, verdict: limitVerdict(bounds, limit) }];
  });
}

/** Measures one batch size. Where it stays open it is extended once, by as many samples again at half alpha; never until it passes. */
async function measure(content: TestOf<'performance'>, size: number, measuring: Measuring): Promise<Measurement & { readonly error: string | undefined }> {
  const { samples = SAMPLES, warmup = WARMUP, concurrency = 1, limits_ms: limits = {}, max_ratio: ratio } = content;
  const ratios = typeof ratio === 'number' ? { p95: ratio } : ratio ?? {};
  const random = randomOf(measuring.seed, content.id, size);
  const series = measuring.subjects.map((): Series => ({ times: [], errors: 0, error: undefined }));
  for (let request = 0; request < warmup; request += 1) for (const subject of measuring.subjects) await ask(subject, batchAt(measuring.rows, request, size), measuring, undefined);
  const [candidate, current] = series;
  const report = (elapsed: number, alpha: number, extended: boolean): Measurement & { readonly error: string | undefined } => {
    const times = Float64Array.from(candidate?.times ?? []);
    return {
      batchSize: size, samples: times.length, errors: series.reduce((sum, { errors }) => sum + errors, 0), extended,
      quantiles: times.length === 0 ? [] : quantileReports(times, limits, alpha),
      // With two subjects in turns, half of the time is the other's.
      perSecond: (times.length * size * 1000 * measuring.subjects.length) / elapsed,
      ratios: current === undefined || times.length === 0 || current.times.length === 0 ? [] : ratioReports(times, Float64Array.from(current.times), ratios, alpha),
      error: candidate?.error ?? current?.error,
    };
  };
  const elapsed = await sample(measuring, series, samples, size, concurrency, random);
  const first = report(elapsed, ALPHA, false);
  const isOpen = [...first.quantiles, ...first.ratios].some(({ verdict }) => verdict === 'inconclusive');
  if (!isOpen || first.errors > 0) return first;
  return report(elapsed + await sample(measuring, series, samples, size, concurrency, random), ALPHA / 2, true);
}

function quantileWords({ name, estimate, limit, verdict }: QuantileReport, unit: string): string {
  return `${name} ${numberWords(Number(estimate.toPrecision(3)))}${unit}${limit === undefined ? '' : ` (limit ${numberWords(limit)}${unit}: ${verdict ?? ''})`}`;
}

function measurementWords({ batchSize, samples, quantiles, ratios, perSecond, extended }: Measurement): string {
  const size = batchSize === 1 ? '' : `batches of ${batchSize}: `;
  return [`${size}${quantiles.map((each) => quantileWords(each, ' ms')).join(', ')}`, ...ratios.map((each) => `candidate/current ${quantileWords(each, '')}`), `${numberWords(Number(perSecond.toPrecision(3)))} rows/s`, `${samples} samples${extended ? ', extended once' : ''}`].join('; ');
}

/** Runs a performance test by rule 9: order statistics bound the quantiles, and what stays open is inconclusive. */
export async function measurePerformance(test: SuiteTest, content: TestOf<'performance'>, measuring: Measuring, today: string): Promise<TestReport> {
  const measurements: Measurement[] = [];
  const outcomes: Outcome[] = [];
  const words: string[] = [];
  for (const size of content.batch_sizes ?? [1]) {
    const fits = measuring.subjects.every(({ batchSize }) => size <= batchSize);
    if (!fits) {
      outcomes.push('error');
      words.push(`batches of ${size}: the subject takes at most ${Math.min(...measuring.subjects.map(({ batchSize }) => batchSize))} rows in a request`);
      continue;
    }
    const { error, ...measurement } = await measure(content, size, measuring);
    measurements.push(measurement);
    const isAbout = measurement.ratios.length > 0 || content.max_ratio !== undefined;
    // The ratio is the evidence; milliseconds depend on the machine, and decide only where there is nothing else.
    outcomes.push(...(isAbout ? measurement.ratios : measurement.quantiles).flatMap(({ verdict }) => verdict ?? []));
    if (!isAbout && content.min_per_second !== undefined) outcomes.push(measurement.perSecond >= content.min_per_second ? 'passed' : 'failed');
    if (measurement.errors > 0) outcomes.push('error');
    words.push(measurementWords(measurement), ...(error === undefined ? [] : [`${measurement.errors} without an answer: ${error}`]));
  }
  if (content.max_ratio !== undefined && measuring.subjects.length < 2) {
    outcomes.push('inconclusive');
    words.push('the ratio is measured with both subjects only (--both)');
  }
  if (content.cold_start_ms !== undefined) {
    outcomes.push(measuring.coldStartMs <= content.cold_start_ms ? 'passed' : 'failed');
    words.push(`cold start ${Math.round(measuring.coldStartMs)} ms (limit ${content.cold_start_ms} ms)`);
  }
  const done = measurements.reduce((sum, { samples }) => sum + samples, 0);
  const errors = measurements.reduce((sum, each) => sum + each.errors, 0);
  return testReport(test, { outcome: together(outcomes.length === 0 ? ['passed'] : outcomes), message: words.join('; '), measurements, counts: { passed: done, failed: 0, skipped: 0, errors, leftOut: 0 } }, today);
}
