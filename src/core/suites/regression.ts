import { isFailure, type Answer } from './cases.ts';
import type { SuiteTest } from './load.ts';
import type { CaseOutcome, Row } from './model.ts';
import { outputWords } from './output.ts';
import type { Difference, RegressionReport } from './report.ts';
import { sameJson } from './json.ts';

const MOST_EXAMPLES = 10;

function outcomeWords(outcome: CaseOutcome): string {
  return outcome.kind === 'failed' || outcome.kind === 'error' ? outcome.reason : outcome.kind;
}

/** Compares the candidate with the current version, case by case; its size does not grow with them. */
export class Regression {
  #worse = 0;
  #better = 0;
  #same = 0;
  #flipped = 0;
  #compared = 0;
  #distances = { count: 0, sum: 0, max: 0 };
  readonly #examples: { readonly worse: Difference[]; readonly better: Difference[]; readonly flipped: Difference[] } = { worse: [], better: [], flipped: [] };

  /** One case of one test. An error is no verdict: only a candidate that has none where the current version passes counts, as worse. */
  addCase(test: SuiteTest, index: number, current: CaseOutcome, candidate: CaseOutcome, row: Row): void {
    const difference = { test: test.id, index, current: outcomeWords(current), candidate: outcomeWords(candidate), row };
    if (current.kind === 'passed' && (candidate.kind === 'failed' || candidate.kind === 'error')) {
      this.#worse += 1;
      keep(this.#examples.worse, difference);
    } else if (candidate.kind === 'passed' && current.kind === 'failed') {
      this.#better += 1;
      keep(this.#examples.better, difference);
    } else if (current.kind === candidate.kind && (current.kind === 'passed' || current.kind === 'failed')) this.#same += 1;
  }

  /** Both answers to an unchanged row. */
  addAnswers(test: SuiteTest, index: number, current: Answer, candidate: Answer, row: Row): void {
    if (isFailure(current) || isFailure(candidate)) return;
    this.#compared += 1;
    if (current.score !== undefined && candidate.score !== undefined) {
      const distance = Math.abs(current.score - candidate.score);
      this.#distances.count += 1;
      this.#distances.sum += distance;
      this.#distances.max = Math.max(this.#distances.max, distance);
    }
    if (current.label === undefined || sameJson(current.label, candidate.label)) return;
    this.#flipped += 1;
    keep(this.#examples.flipped, { test: test.id, index, current: outputWords(current), candidate: outputWords(candidate), row });
  }

  report(): RegressionReport {
    const { count, sum, max } = this.#distances;
    return {
      worse: this.#worse, better: this.#better, same: this.#same, flipped: this.#flipped, compared: this.#compared, examples: this.#examples,
      ...(count === 0 ? {} : { scoreDistance: { mean: sum / count, max } }),
    };
  }
}

/** The first by rows. */
function keep(list: Difference[], difference: Difference): void {
  if (list.length >= MOST_EXAMPLES && (list.at(-1)?.index ?? 0) <= difference.index) return;
  list.push(difference);
  list.sort((a, b) => a.index - b.index);
  if (list.length > MOST_EXAMPLES) list.pop();
}
