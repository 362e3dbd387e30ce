import { countWords, utcTime } from '../base/words.ts';
import type { ArmSummary } from './window.ts';

/** So many outcomes would have come since the last one, going by those before it: that by chance none did is one of e^20. */
const MISSED = 20;
const COMPARED: ReadonlySet<string> = new Set(['candidate', 'current']);

/** Why absence of outcomes says nothing; `isAll`: because there is no outcome at all. */
export interface Absence {
  readonly isAll: boolean;
  readonly words: string;
}

/** The newest predictions of an arm that have matured, none of which has an outcome. */
interface Quiet {
  readonly arm: string;
  readonly matured: number;
  /** When the first of them was made, as far as it is known; NaN: all of them are without. */
  readonly since: number;
}

function quietOf({ arm, matured, labelled, stretches = [] }: ArmSummary): Quiet {
  if (labelled === 0) return { arm, matured, since: Number.NaN };
  let quiet: Quiet = { arm, matured: 0, since: Number.NaN };
  for (const stretch of stretches.toReversed()) {
    if (stretch.labelled > 0) break;
    if (stretch.matured > 0) quiet = { arm, matured: quiet.matured + stretch.matured, since: stretch.start };
  }
  return quiet;
}

function sinceWords({ arm, matured, since }: Quiet): string {
  return `${countWords(matured)} of ${arm}${Number.isNaN(since) ? '' : ` from ${utcTime(since)} on`}`;
}

/**
 * Why predictions without an outcome are no evidence, although `absent_means` says what they count as: none has one, or none of the newest, so many that by chance some would. A file of outcomes that is
 * written no more looks just so, and with nothing but absence every candidate is as good as current. Undefined: nothing speaks against it.
 *
 * @param arms of one environment
 */
export function absenceOf(arms: readonly ArmSummary[]): Absence | undefined {
  const own = arms.filter(({ arm, matured }) => COMPARED.has(arm) && matured > 0);
  const quiet = own.map(quietOf);
  const matured = own.reduce((sum, each) => sum + each.matured, 0);
  const labelled = own.reduce((sum, each) => sum + each.labelled, 0);
  if (matured === 0) return undefined;
  if (labelled === 0) return { isAll: true, words: `none of the ${countWords(matured)} predictions that have matured has an outcome` };
  const share = labelled / (matured - quiet.reduce((sum, each) => sum + each.matured, 0));
  const stopped = quiet.filter((each) => share * each.matured >= MISSED);
  if (stopped.length === 0) return undefined;
  return { isAll: false, words: `none of the newest predictions that have matured has an outcome (${stopped.map(sinceWords).join(', ')}), of the others ${Number((100 * Math.min(1, share)).toPrecision(3))} %` };
}

/** What is said of it, environment by environment. `absentMeans`: what such predictions count as. */
export function absenceMessages(arms: readonly ArmSummary[], absentMeans: string | number | boolean | undefined): readonly string[] {
  if (absentMeans === undefined) return [];
  return [...new Set(arms.map(({ environment }) => environment))].sort().flatMap((environment) => {
    const found = absenceOf(arms.filter((arm) => arm.environment === environment));
    return found === undefined ? [] : [`${environment === '' ? '' : `${environment}: `}${found.words}. They count as absent_means (${String(absentMeans)}), but nothing is called not worse by that: see whether outcomes are still written, and raise labels.mature_after where they are read later than that.`];
  });
}
