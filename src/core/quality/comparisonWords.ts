import { durationWords } from '../base/duration.ts';
import type { Measure } from './definitions.ts';

/** What records must have for a measure to be told. */
export const NEEDS: Readonly<Partial<Record<Measure, string>>> = {
  accuracy: ': accuracy is of labels and outcomes that are alike, or of scores and outcomes that are 0 or 1, true or false',
  precision: ': precision is of labels and outcomes that are 0 or 1, true or false, or of scores', recall: ': recall is of labels and outcomes that are 0 or 1, true or false, or of scores',
  brier: ': brier is of outcomes and of scores from 0 to 1', pr_auc: ': pr_auc is of outcomes and of scores from 0 to 1',
};

const [HOUR_MS, DAY_MS, WEEK_MS] = [3_600_000, 86_400_000, 604_800_000];

/** What a guardrail cannot tell because its windows seldom hold both arms. */
export function shortWindows(part: number, windowMs: number): string {
  const mend = windowMs < WEEK_MS ? `let window be longer, such as ${windowMs < HOUR_MS ? '1h' : windowMs < DAY_MS ? '1d' : '7d'}` : 'the arms hardly serve at the same time';
  return `windows of ${durationWords(windowMs)} mostly hold records of one arm only, which compare nothing (${Math.floor(100 * part)} % of what could be compared is): ${mend}`;
}

/** `3,320`, `4.86`: three digits. */
export function oddsWords(odds: number): string {
  return Number(odds.toPrecision(3)).toLocaleString('en-US');
}

/** Odds in words, of their natural logarithm. */
export function evidenceWords(log: number): string {
  return log > Math.log(1e6) ? 'over 1,000,000 : 1' : `${oddsWords(Math.exp(log))} : 1`;
}
