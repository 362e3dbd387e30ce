import { clopperPearson, provenRate } from '../quality/stats/intervals.ts';
import type { SuiteTest } from './load.ts';
import type { CaseOutcome } from './model.ts';
import { numberWords } from './output.ts';
import type { Counts, Example, Measurement, Outcome, TestReport } from './report.ts';

const MOST_FAILURES = 20;
const MOST_ERRORS = 5;

type Counting = { -readonly [key in keyof Counts]: number };

function zero(): Counting {
  return { passed: 0, failed: 0, skipped: 0, errors: 0, leftOut: 0 };
}

/** Keeps the examples with the lowest numbers, so that a run with many requests at once shows the same as one without. */
class Examples {
  readonly #most: number;
  #kept: Example[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(example: Example): boolean {
    const last = this.#kept.at(-1);
    if (this.#kept.length >= this.#most && last !== undefined && last.index <= example.index) return false;
    const place = this.#kept.findIndex(({ index }) => index > example.index);
    this.#kept.splice(place < 0 ? this.#kept.length : place, 0, example);
    this.#kept = this.#kept.slice(0, this.#most);
    return true;
  }

  get list(): readonly Example[] {
    return this.#kept;
  }
}

function percent(share: number): string {
  return `${numberWords(Number((100 * share).toPrecision(2)))} %`;
}

/** Counts what comes of one test's cases; its size does not grow with them. */
export class Tally {
  readonly test: SuiteTest;
  readonly #sampled: boolean;
  readonly #counts = zero();
  readonly #slices: ReadonlyMap<string, Counting>;
  readonly #failures = new Examples(MOST_FAILURES);
  readonly #errors = new Examples(MOST_ERRORS);
  #skipped: string | undefined;

  /** `sampled`: the rows are a random sample of more, so that bounds decide. */
  constructor(test: SuiteTest, sampled: boolean) {
    this.test = test;
    this.#sampled = sampled;
    this.#slices = new Map(test.slices.map(({ name }) => [name, zero()]));
  }

  get counts(): Counts {
    return this.#counts;
  }

  leaveOut(): void {
    this.#counts.leftOut += 1;
  }

  /** Gives the example, where it is one that is kept. */
  add(index: number, slices: readonly string[], outcome: CaseOutcome): Example | undefined {
    const key = outcome.kind === 'error' ? 'errors' : outcome.kind;
    this.#counts[key] += 1;
    for (const name of slices) {
      const counts = this.#slices.get(name);
      if (counts !== undefined) counts[key] += 1;
    }
    if (outcome.kind === 'skipped') this.#skipped ??= outcome.reason;
    if (outcome.kind === 'passed' || outcome.kind === 'skipped') return undefined;
    const { kind, ...example } = outcome;
    const kept = { index, ...example };
    return (kind === 'failed' ? this.#failures : this.#errors).add(kept) ? kept : undefined;
  }

  /** `today` as `2026-11-23`: a waiver counts up to its day. */
  report(today: string, stopped: string | undefined): TestReport {
    return testReport(this.test, { ...this.#verdict(stopped), counts: { ...this.#counts }, slices: [...this.#slices].map(([name, counts]) => ({ name, counts: { ...counts } })), failures: this.#failures.list, errors: this.#errors.list, ...(this.#skipped === undefined ? {} : { skipped: this.#skipped }) }, today);
  }

  #verdict(stopped: string | undefined): { readonly outcome: Outcome; readonly message: string } {
    const { passed, failed, skipped, errors } = this.#counts;
    const judged = passed + failed;
    const least = this.test.content.min_pass ?? 1;
    const beside = [...(skipped > 0 ? [`${skipped} could not fail`] : []), ...(errors > 0 ? [`${errors} without an answer`] : [])];
    const words = `${failed} of ${judged} failed${beside.length === 0 ? '' : `, ${beside.join(', ')}`}`;
    const broken: Outcome | undefined = errors > 0 || stopped !== undefined ? 'error' : judged === 0 ? 'inconclusive' : undefined;
    const verdict = (outcome: Outcome, rest: string): { readonly outcome: Outcome; readonly message: string } => ({ outcome: outcome === 'failed' ? outcome : broken ?? outcome, message: broken === undefined || outcome === 'failed' ? `${words}${rest}` : `${words}${broken === 'error' ? `: no verdict${stopped === undefined ? '' : `, ${stopped}`}` : ': nothing was tested'}` });
    if (judged === 0) return verdict('passed', '');
    if (least === 1) return failed > 0 ? verdict('failed', '') : verdict('passed', `: the failure rate is at most ${percent(provenRate(0, judged))} (95 % confidence)`);
    if (!this.#sampled) return passed / judged >= least ? verdict('passed', `: at least ${percent(least)} must pass`) : verdict('failed', `: at least ${percent(least)} must pass`);
    // Each bound by itself at 95 %, so both together at 90 %.
    const { low, high } = clopperPearson(passed, judged, 0.9);
    const bounds = `: between ${percent(low)} and ${percent(high)} pass (bounds at 95 % each), at least ${percent(least)} must`;
    return verdict(low >= least ? 'passed' : high < least ? 'failed' : 'inconclusive', bounds);
  }
}

interface Findings {
  readonly outcome: Outcome;
  readonly message: string;
  readonly counts: Counts;
  readonly slices?: TestReport['slices'];
  readonly failures?: readonly Example[];
  readonly errors?: readonly Example[];
  readonly skipped?: string;
  readonly measurements?: readonly Measurement[];
}

/** The report of a test, with what its file says of it. */
export function testReport(test: SuiteTest, found: Findings, today: string): TestReport {
  const { why, tags, waive } = test.content;
  const waived = found.outcome === 'failed' && waive !== undefined && today <= waive.until ? waive : undefined;
  const expired = found.outcome === 'failed' && waive !== undefined && waived === undefined ? ` (its waiver ended on ${waive.until})` : '';
  return {
    slices: [], failures: [], errors: [], ...found, message: `${found.message}${expired}`,
    id: test.id, kind: test.kind, severity: test.severity, tags: tags ?? [], range: test.range,
    ...(why === undefined ? {} : { why }), ...(waived === undefined ? {} : { waived }),
  };
}
