import type { SourceRange } from '../workspace/source.ts';
import type { LimitVerdict, QuantileBounds } from './latency.ts';
import type { Arm } from './load.ts';
import type { Row, TestKind } from './model.ts';
import type { VersionState } from './subject.ts';

/** `error`: there is no verdict because answers are missing. `inconclusive`: there are too few to say. */
export type Outcome = 'passed' | 'failed' | 'error' | 'inconclusive';

/** Cases; `leftOut` are rows whose condition cannot be told. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errors: number;
  readonly leftOut: number;
}

/** A case that failed or had no answer. */
export interface Example {
  /** Number of its row, from 0; for a boundary test, of its edge. */
  readonly index: number;
  readonly reason: string;
  readonly change?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** What the model was asked. */
  readonly row: Row;
}

export interface QuantileReport extends QuantileBounds {
  readonly name: 'p50' | 'p95' | 'p99';
  readonly limit?: number;
  readonly verdict?: LimitVerdict;
}

/** Measurements of one batch size; milliseconds per request. */
export interface Measurement {
  readonly batchSize: number;
  readonly samples: number;
  readonly errors: number;
  readonly quantiles: readonly QuantileReport[];
  /** Rows per second, all requests together. */
  readonly perSecond: number;
  /** Candidate by current, measured in turns. */
  readonly ratios: readonly QuantileReport[];
  readonly extended: boolean;
}

export interface TestReport {
  readonly id: string;
  readonly kind: TestKind;
  readonly severity: 'block' | 'warn';
  readonly outcome: Outcome;
  /** The outcome in a sentence, with what it proves. */
  readonly message: string;
  readonly why?: string;
  readonly tags: readonly string[];
  readonly counts: Counts;
  readonly slices: readonly { readonly name: string; readonly counts: Counts }[];
  /** The first by their rows. */
  readonly failures: readonly Example[];
  readonly errors: readonly Example[];
  /** Why the first skipped case was. */
  readonly skipped?: string;
  /** A failure that does not count until then, and why. */
  readonly waived?: { readonly until: string; readonly reason: string };
  readonly measurements?: readonly Measurement[];
  readonly range: SourceRange;
}

export interface SuiteReport {
  /** Path of the suite, as it was given. */
  readonly file: string;
  /** `sha256:` of its text and of the data that it names. */
  readonly digest: string;
  readonly data: string | undefined;
  readonly arm: Arm;
  readonly subject: string;
  readonly version: VersionState;
  readonly seed: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly ms: number;
  /** From the start of the subject to its first answer, in milliseconds. */
  readonly coldStartMs: number;
  /** How the same row got two answers; undefined where it did not. */
  readonly nondeterministic?: string;
  /** Why the run ended before its end. */
  readonly stopped?: string;
  readonly tests: readonly TestReport[];
  readonly verdict: Outcome;
}

/** One case in which the candidate is not as the current version. */
export interface Difference {
  readonly test: string;
  readonly index: number;
  readonly current: string;
  readonly candidate: string;
  readonly row: Row;
}

/** The candidate compared with the current version on the same cases. */
export interface RegressionReport {
  /** The current version passes, the candidate fails or has no answer. */
  readonly worse: number;
  readonly better: number;
  /** Both have a verdict, and it is the same. */
  readonly same: number;
  /** Rows whose label differs between the two. */
  readonly flipped: number;
  /** Rows that both answered. */
  readonly compared: number;
  /** Mean and greatest distance of the scores; undefined without scores. */
  readonly scoreDistance?: { readonly mean: number; readonly max: number };
  readonly examples: { readonly worse: readonly Difference[]; readonly better: readonly Difference[]; readonly flipped: readonly Difference[] };
}

export interface RunReport {
  readonly suites: readonly SuiteReport[];
  readonly regression?: RegressionReport;
}

const ORDER: readonly Outcome[] = ['failed', 'error', 'inconclusive', 'passed'];

/** The outcome of several together: a failure outweighs an error, an error what is inconclusive. Of nothing: inconclusive. */
export function together(outcomes: readonly Outcome[]): Outcome {
  return ORDER.find((each) => outcomes.includes(each)) ?? 'inconclusive';
}

/** What a test's outcome means for the run: warnings and waived failures do not fail it. */
export function countsAs({ outcome, severity, waived }: Pick<TestReport, 'outcome' | 'severity' | 'waived'>): Outcome {
  if (outcome === 'failed' && waived !== undefined) return 'passed';
  return severity === 'warn' && outcome !== 'error' ? 'passed' : outcome;
}
