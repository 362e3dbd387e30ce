import { jsonWords, nameOf, sameJson, type Json } from './json.ts';
import type { Output } from './model.ts';
import { numberWords, outputWords } from './output.ts';
import { DEFAULT_TOLERANCE, isClose, slack, type Tolerance } from './tolerance.ts';

/** What a comparison of answers comes to, in words for people where it fails. */
export type Judgement =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly expected: string; readonly actual: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** The answers cannot be compared in this way. */
  | { readonly kind: 'error'; readonly reason: string };

const PASSED: Judgement = { kind: 'passed' };

function failed(expected: string, actual: string): Judgement {
  return { kind: 'failed', expected, actual };
}

function toleranceWords({ abs, rel }: Tolerance): string {
  const parts = [...(abs > 0 ? [`abs ${numberWords(abs)}`] : []), ...(rel > 0 && rel !== DEFAULT_TOLERANCE.rel ? [`rel ${numberWords(rel)}`] : [])];
  return parts.length === 0 ? '' : ` (tolerance ${parts.join(', ')})`;
}

/** Two numbers that differ, with as many digits as it takes to see that. */
function apart(a: number, b: number): readonly [string, string] {
  const words = [numberWords(a), numberWords(b)] as const;
  return words[0] === words[1] ? [String(a), String(b)] : words;
}

/** The number that a score test looks at: the score, else the probability of `label`. */
function numberOf({ score, proba }: Output, label: Json | undefined): number | undefined {
  return score ?? (label === undefined ? undefined : proba?.[nameOf(label)]);
}

/**
 * Invariance, as CheckList's INV (Ribeiro et al., ACL 2020; `Expect.inv`): the label is the same, or the probability of the original's label moved at
 * most by the tolerance. Without labels, or with `compare: score`, the score is as close as the tolerance asks.
 */
export function judgeInvariance(original: Output, changed: Output, compare: 'label' | 'score' | undefined, tolerance: Tolerance): Judgement {
  const { label } = original;
  const [before, after] = [numberOf(original, label), numberOf(changed, label)];
  if ((compare ?? (label === undefined ? 'score' : 'label')) === 'label') {
    if (label === undefined) return { kind: 'error', reason: 'The answer has no label to compare.' };
    if (sameJson(label, changed.label)) return PASSED;
    const near = (tolerance.abs > 0 || tolerance.rel > 0) && before !== undefined && after !== undefined && isClose(before, after, tolerance);
    return near ? PASSED : failed(`${outputWords(original)}${toleranceWords(tolerance)}`, outputWords(changed));
  }
  if (before === undefined || after === undefined) return { kind: 'error', reason: 'The answer has no score and no probability to compare.' };
  const [expected, actual] = apart(before, after);
  return isClose(before, after, tolerance) ? PASSED : failed(`${expected}${toleranceWords(tolerance)}`, actual);
}

export interface Direction {
  readonly expect: 'increase' | 'decrease';
  /** The class whose probability moves; without one the label of the original. */
  readonly class?: Json | undefined;
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
  readonly tolerance: Tolerance;
  /** Least and greatest possible score; probabilities have [0, 1]. */
  readonly range?: readonly [number, number] | undefined;
}

/**
 * Directional, as CheckList's DIR (`Expect.monotonic`): the number does not move against the direction by more than the tolerance. With `atLeast` it
 * moves that far, with `atMost` not farther. A case in which every possible answer passes, or none does for want of room, is skipped.
 */
export function judgeDirection(original: Output, changed: Output, direction: Direction): Judgement {
  const { expect, atLeast, atMost, tolerance } = direction;
  const label = direction.class ?? original.label;
  const useClass = direction.class !== undefined || original.score === undefined;
  const of = (output: Output): number | undefined => (useClass ? numberOf({ ...(output.proba === undefined ? {} : { proba: output.proba }) }, label) : output.score);
  const [before, after] = [of(original), of(changed)];
  if (before === undefined || after === undefined) return { kind: 'error', reason: useClass && label !== undefined ? `The answer has no probability of ${jsonWords(label)}.` : 'The answer has no score and no probability to compare.' };
  const holds = (value: number): boolean => {
    const moved = expect === 'increase' ? value - before : before - value;
    const room = slack(tolerance, before, value);
    return moved + room >= (atLeast ?? 0) && (atMost === undefined || moved - room <= atMost);
  };
  const range = useClass ? [0, 1] as const : direction.range;
  if (range !== undefined) {
    if (range.every(holds)) return { kind: 'skipped', reason: `it cannot fail: the answer is ${numberWords(before)} already` };
    if (atLeast !== undefined && !holds(expect === 'increase' ? range[1] : range[0]) && (atMost === undefined || atLeast <= atMost)) return { kind: 'skipped', reason: `there is no room: the answer is ${numberWords(before)} already` };
  }
  if (holds(after)) return PASSED;
  const amount = [...(atLeast === undefined ? [] : [`at least ${numberWords(atLeast)}`]), ...(atMost === undefined ? [] : [`at most ${numberWords(atMost)}`])].join(' and ');
  const [from, to] = apart(before, after);
  return failed(`${expect} from ${from}${amount === '' ? '' : ` by ${amount}`}${toleranceWords(tolerance)}`, to);
}

/** What an answer must be; all that is given must hold. */
export interface Expected {
  readonly finite?: boolean | undefined;
  readonly between?: readonly [number, number] | undefined;
  readonly label?: Json | undefined;
  readonly oneOf?: readonly Json[] | undefined;
  readonly score?: number | undefined;
  /** A condition over the answer and the row: null where it cannot be told. */
  readonly that?: { readonly text: string; readonly holds: (output: Output) => boolean | null } | undefined;
  readonly tolerance: Tolerance;
}

/** Expectation, as CheckList's MFT (`Expect.eq`) and more. */
export function judgeExpectation(output: Output, expected: Expected): Judgement {
  const { between, label, oneOf, score, that, tolerance } = expected;
  const actual = outputWords(output);
  if ((between !== undefined || score !== undefined) && output.score === undefined) return { kind: 'error', reason: 'The answer has no score to look at: name it under output.' };
  if ((label !== undefined || oneOf !== undefined) && output.label === undefined) return { kind: 'error', reason: 'The answer has no label to look at: name it under output.' };
  const found = output.score ?? Number.NaN;
  if (between !== undefined && !(found >= between[0] && found <= between[1])) return failed(`a score between ${numberWords(between[0])} and ${numberWords(between[1])}`, actual);
  if (score !== undefined && !isClose(found, score, tolerance)) return failed(`score ${numberWords(score)}${toleranceWords(tolerance)}`, actual);
  if (label !== undefined && !sameLabel(label, output.label)) return failed(jsonWords(label), actual);
  if (oneOf !== undefined && !oneOf.some((each) => sameLabel(each, output.label))) return failed(`one of ${oneOf.map((each) => jsonWords(each)).join(', ')}`, actual);
  if (that === undefined) return PASSED;
  const holds = that.holds(output);
  if (holds === null) return { kind: 'error', reason: `Whether ${that.text} holds cannot be told: something that it names is missing.` };
  return holds ? PASSED : failed(that.text, actual);
}

/** A label read from CSV is text or a number as its column is; `1` and `"1"` are the same label. */
function sameLabel(wanted: Json, found: Json | undefined): boolean {
  return sameJson(wanted, found) || (found !== undefined && typeof wanted !== 'object' && typeof found !== 'object' && nameOf(wanted) === nameOf(found));
}
