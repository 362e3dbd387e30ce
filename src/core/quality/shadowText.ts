import { countWords, utcTime } from '../base/words.ts';
import { number, percent, type Block } from './reportText.ts';
import type { ShadowReport, ShadowSlice } from './shadow.ts';

type Agreement = NonNullable<ShadowReport['agreement']>;

function agreementWords({ decided, share, interval }: Agreement, by = ''): string {
  return decided === 0 ? '-' : `${percent(share)} (${percent(interval.low)} to ${percent(interval.high)}${by})`;
}

/** Why nothing is said of agreement. */
function undecidedWords({ notProbable }: ShadowReport): string {
  return `no decision to agree on${notProbable === 0 ? '' : ': scores lie outside of 0 to 1, and labels: says no threshold'}`;
}

const UNJUDGED: Readonly<Record<NonNullable<ShadowReport['unjudged']>, string>> = {
  classes: 'There is no McNemar: labels or outcomes are of more than two classes.',
  absence: 'There is no McNemar: by labels.absent_means most outcomes may be that there is none, and pairs with one are not like the others.',
};

/** Sentences that say what the figures are of. */
export function shadowNotes({ version, since, otherVersions, oneIn, labelledOneIn, unjudged, pairs }: ShadowReport): string[] {
  const others = otherVersions.map((each) => `${countWords(each.pairs)} of ${each.version ?? 'records without a version'}`);
  return [
    ...(version === undefined || pairs === 0 ? [] : [`Counted are pairs of version ${version}${since === undefined ? '' : `, first logged ${utcTime(Date.parse(since))}`}${others.length === 0 ? '' : `; not counted: ${others.join(', ')}`}.`]),
    ...(version === undefined && others.length > 0 ? [`Counted are pairs of records without a version; not counted: ${others.join(', ')}.`] : []),
    ...(oneIn === 1 ? [] : [`More answers wait for each other than can be kept: one request in ${oneIn} was followed, drawn by its id, and all counts are of those.`]),
    ...(labelledOneIn === 1 ? [] : [`More pairs wait for their outcome than can be kept: one in ${labelledOneIn} was followed to it, drawn by its id.`]),
    ...(unjudged === undefined ? [] : [UNJUDGED[unjudged]]),
  ];
}

function sliceBlock(slices: readonly ShadowSlice[], hasDecisions: boolean): Block {
  const rows = slices.map(({ slice, pairs, agreement, difference }) => [slice, countWords(agreement?.decided ?? pairs), agreement === undefined ? number(difference) : agreementWords(agreement)]);
  return hasDecisions ? { title: 'Slices that agree least', columns: ['slice', 'pairs', 'agreement'], rows } : { title: 'Slices that differ most', columns: ['slice', 'pairs', 'mean |score difference|'], rows };
}

export function shadowBlocks(report: ShadowReport): Block[] {
  const { environment, agreement, difference, mcnemar, pairs, slices, examples } = report;
  const differences = [
    ['|score difference| p50, p95, max', [difference.p50, difference.p95, difference.max].map((value) => number(value)).join(', ')],
    ['scores: Wasserstein, PSI', `${number(report.wasserstein)}, ${number(report.psi)}`],
  ];
  const agreed = agreement === undefined ? [['agreement', undecidedWords(report)]] : [
    ['agreement', agreementWords(agreement, ', Wilson 95 %')],
    ...(agreement.decided === pairs ? [] : [['pairs without a decision to agree on', countWords(pairs - agreement.decided)]]),
  ];
  const rows = [
    ['pairs', countWords(pairs)],
    // What can be said comes first.
    ...(agreement === undefined ? [...differences, ...agreed] : [...agreed, ...differences]),
    ...(mcnemar === undefined ? [] : [['McNemar', `only served right ${mcnemar.onlyServedRight}, only shadow right ${mcnemar.onlyShadowRight} of ${mcnemar.labelled} labelled: ${number(mcnemar.statistic)}, p ${number(mcnemar.p, 2)}${mcnemar.exact ? ' (exact)' : ''}`]]),
    ['no answer of what was served', countWords(report.servedNothing)], ['no answer of the shadow', countWords(report.shadowNothing)],
    ['errors of what was served', countWords(report.servedErrors)], ['errors of the shadow', countWords(report.errors)], ['answers without a partner', countWords(report.unpaired)],
    ...(report.dropped === 0 ? [] : [['answers that the service dropped', countWords(report.dropped)]]),
  ];
  return [
    { title: `Shadow against what was served${environment === '' ? '' : ` in ${environment}`}`, columns: ['measure', 'value'], rows },
    { lines: shadowNotes(report) },
    ...(slices.length === 0 ? [] : [sliceBlock(slices, agreement !== undefined)]),
    ...(examples.length === 0 ? [] : [{ title: 'Answers that differ most', columns: ['request', 'served', 'shadow', 'difference'], rows: examples.map(({ requestId, served, shadow, difference: apart }) => [requestId, served, shadow, number(apart)]) }]),
  ];
}
