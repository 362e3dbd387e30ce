import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ensurePython } from '../../sandbox/python.ts';
import type { QualityData } from '../../src/core/quality/window.ts';
import { mlflowPython } from './mlflow.ts';
import { partOf } from './productionParts.ts';

const root = join(import.meta.dirname, '..', '..');
const scripts = join(import.meta.dirname, 'reference');
const LARGEST = 256 * 1024 * 1024;

interface Counted { readonly arm: string; readonly requests: number; readonly units: number }

/** Figures of a log by SQL in DuckDB. */
interface Reference {
  readonly windows: readonly (Counted & { readonly start: number; readonly errors: number; readonly slow: number; readonly latency: number; readonly squares: number })[];
  readonly arms: readonly (Counted & { readonly last: number })[];
  readonly dispersion: readonly Readonly<Record<string, number | string>>[];
  readonly histograms: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly countries: readonly { readonly arm: string; readonly country: string; readonly n: number }[];
}

/** The section `quality:` whose figures the reference has. */
export const REFERENCE_METRICS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], signals: [{ name: 'latency', mean: 'latency_ms' }] };
export const REFERENCE_FEATURES = ['amount', 'age', 'country'];
/** Deciles of what `writeManyRecords` draws uniformly. */
export const REFERENCE_EDGES = { amount: [100, 200, 300, 400, 500, 600, 700, 800, 900], age: [23, 29, 35, 41, 47, 53, 59, 65, 71] };

/** A Python that has DuckDB. */
export function duckdbPython(): Promise<string> {
  return ensurePython({ venvDir: join(root, '.sandbox', 'reference'), requirements: join(scripts, 'requirements.txt') });
}

/** A file's figures by SQL. */
export async function referenceOf(file: string, score: readonly number[]): Promise<Reference> {
  const python = await duckdbPython();
  return JSON.parse(execFileSync(python, [join(scripts, 'query.py'), file, JSON.stringify({ ...REFERENCE_EDGES, score })], { encoding: 'utf8', maxBuffer: LARGEST })) as Reference;
}

/** The same records as Parquet, by pyarrow. */
export async function toParquet(source: string, target: string, rowsPerGroup?: number): Promise<void> {
  execFileSync(await mlflowPython(), [join(scripts, 'toParquet.py'), source, target, ...(rowsPerGroup === undefined ? [] : [String(rowsPerGroup)])], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Sums of the same numbers in another order. */
function same(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${what}: ${actual} instead of ${expected}`);
}

/** Demands that what was read of a log, all of which is in the window of drift, is what SQL finds in it: whole numbers exactly, sums of fractions to nine digits. */
export function assertAsReference(data: QualityData, reference: Reference): void {
  const windows = new Map(data.windows.map((window) => [`${window.start} ${window.arm}`, window]));
  assert.equal(windows.size, reference.windows.length);
  for (const { arm, start, requests, units, errors, slow, latency, squares } of reference.windows) {
    const window = windows.get(`${start} ${arm}`) ?? assert.fail(`no window ${start} ${arm}`);
    const metric = (name: string): { n: number; sum: number; squares: number } => window.metrics[name] ?? assert.fail(name);
    assert.deepEqual([window.requests, window.units, metric('errors'), metric('slow'), metric('latency').n], [requests, units, { n: requests, sum: errors, squares: errors }, { n: requests, sum: slow, squares: slow }, requests], `window ${start} ${arm}`);
    same(metric('latency').sum, latency, `latency of ${start} ${arm}`);
    same(metric('latency').squares, squares, `squares of ${start} ${arm}`);
  }
  for (const { arm, requests, units, last } of reference.arms) {
    const found = data.arms.find((each) => each.arm === arm) ?? assert.fail(`no arm ${arm}`);
    assert.deepEqual([found.requests, found.units, found.lastSeen, found.score.counts], [requests, units, last, reference.histograms['score']?.[arm]], arm);
    assert.deepEqual({ arm, ...found.unitSums['errors'] }, reference.dispersion.find((each) => each['arm'] === arm), `dispersion of ${arm}`);
    const { features } = partOf(data, arm);
    for (const name of ['amount', 'age']) assert.deepEqual(features.find((each) => each.name === name)?.binned?.counts, reference.histograms[name]?.[arm], `${name} of ${arm}`);
    const countries = Object.fromEntries(reference.countries.filter((each) => each.arm === arm).map(({ country, n }) => [country, n]));
    assert.deepEqual(Object.fromEntries(Object.entries(features.find(({ name }) => name === 'country')?.categories ?? {}).sort()), countries);
  }
  assert.equal(data.arms.length, reference.arms.length);
}
