import { ageWords, countWords, plainLine } from '../base/words.ts';
import { figure, limitFigure, sinceWords } from '../releases/metricWords.ts';
import { currentAlike, type ArmValue, type ComparisonReport, type MetricComparison } from './comparison.ts';
import { evidenceWords } from './comparisonWords.ts';
import { DRIFT_DEFINITIONS, driftVerdict, type DriftReport, type FeatureDrift } from './drift.ts';
import { histogramQuantile } from './histogram.ts';
import { labelDelayWords } from './labelDelay.ts';
import { limitVerdict, type CandidateLimit, type LimitVerdict } from './limits.ts';
import type { FeatureSkew, SkewReport } from './skew.ts';
import { MOST_SLICES } from './slices.ts';
import type { ArmSummary, Histogram, QualityData, SourceNotes } from './window.ts';

/** A report as titled tables and sentences, the same for a terminal and for Markdown. Names of the records are text: nothing in them is obeyed. */
export type Block = { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] } | { readonly lines: readonly string[] };

/** Three significant digits; `-` for what is not known. */
export function number(value: number | undefined, digits = 3): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  if (!Number.isFinite(value)) return value > 0 ? 'unbounded' : '-unbounded';
  return String(Number(value.toPrecision(digits)));
}

/** `25 %`: per cent with a blank. */
export function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${Number((100 * share).toPrecision(3))} %`;
}

/** A rate in per cent, a mean as it is. */
export function valueWords({ kind }: Pick<MetricComparison, 'kind'>, value: number): string {
  return kind === 'bad' ? percent(value) : number(value);
}

/** Ratio or difference with its interval. */
export function effectWords({ kind, effect, interval }: MetricComparison): string {
  if (effect === undefined) return '-';
  const unit = kind === 'bad' && Number.isFinite(effect) ? 'x' : '';
  const range = interval === undefined ? '' : ` (${number(interval.low)} to ${number(interval.high)})`;
  return `${kind === 'mean' && effect > 0 ? '+' : ''}${number(effect)}${unit}${range}`;
}

/** `8.1 % (7 % to 9.3 %), n 2.1k, 800 units`: what an arm came to; of a proportion with Wilson's interval. */
export function armValueWords(metric: Pick<MetricComparison, 'kind'>, { value, n, units, interval }: ArmValue): string {
  const range = interval === undefined ? '' : ` (${valueWords(metric, interval.low)} to ${valueWords(metric, interval.high)})`;
  return `${valueWords(metric, value)}${range}, n ${countWords(n)}${units === undefined ? '' : `, ${countWords(units)} units`}`;
}

function comparisonRow(metric: MetricComparison): readonly string[] {
  const alike = currentAlike(metric);
  return [
    metric.slice === undefined ? metric.name : `${metric.name}, ${metric.slice}`,
    armValueWords(metric, metric.candidate), `${armValueWords(metric, metric.current)}${alike === undefined ? '' : `; weighed as the candidate ${valueWords(metric, alike)}`}`, effectWords(metric), metric.verdict, metric.role, metric.because,
  ];
}

const COMPARISON = ['metric', 'candidate', 'current', 'ratio or difference', 'verdict', 'role', 'because'] as const;

export function comparisonBlocks(report: ComparisonReport): Block[] {
  const { environment, sampleRatio, metrics, slices, joint } = report;
  const where = environment === '' ? '' : ` in ${environment}`;
  const configured = sampleRatio.configured === undefined ? '' : `, configured ${percent(sampleRatio.configured)}`;
  return [
    { lines: [`Sample ratio${where}: ${sampleRatio.verdict} (candidate ${countWords(sampleRatio.candidate)} units, current ${countWords(sampleRatio.current)}; observed ${percent(sampleRatio.observed)}${configured}): ${sampleRatio.because}.`] },
    ...(metrics.length === 0 ? [] : [{ title: `Candidate against current${where}`, columns: COMPARISON, rows: metrics.map(comparisonRow) }]),
    ...(slices.length === 0 ? [] : [{ title: `Slices${where} (they inform; they decide nothing)`, columns: COMPARISON, rows: slices.map(comparisonRow) }]),
    { lines: guardLines(metrics, joint, where) },
  ];
}

const LIMIT_WORDS: Readonly<Record<LimitVerdict, string>> = {
  past: 'shown by evidence that holds however often one looks', within: 'what there is does not pass it', undecided: 'what there is passes it, which may be chance still', 'insufficient data': '',
};

/** What the candidate does against limits of its own; nothing where there are none. */
export function limitBlocks(limits: readonly CandidateLimit[], environment: string): Block[] {
  const rows = limits.map((each) => {
    const { name, metric, limit, n, value, since, because } = each;
    const verdict = limitVerdict(each);
    return [name, `${figure(metric, value, limit)}, n ${countWords(n)}${sinceWords(since)}`, limitFigure(metric, limit), verdict, because ?? LIMIT_WORDS[verdict]];
  });
  return rows.length === 0 ? [] : [{ title: `Candidate against limits of its own${environment === '' ? '' : ` in ${environment}`}`, columns: ['metric', 'candidate', 'limit', 'verdict', 'because'], rows }];
}

/** What all guardrails say together; that there is none, where there is none: an empty table looks like one that is watched. */
function guardLines(metrics: readonly Pick<MetricComparison, 'role' | 'kind'>[], joint: ComparisonReport['joint'], where: string): string[] {
  const guardrails = metrics.filter(({ role }) => role === 'guardrail');
  if (guardrails.length === 0) return ['No guardrail is declared: nothing alarms, and nothing takes a release back. Add one below quality, such as guardrails: [{name: errors, bad: error}].'];
  if (guardrails.every(({ kind }) => kind !== 'bad')) return [];
  return [`Guardrails of counts together${where}: evidence ${evidenceWords(Math.log(joint.evidence))}, alarm at ${number(joint.level)} : 1: ${joint.alarms ? 'ALARM' : 'no alarm'}.`];
}

/** Of the latency of each arm. */
export const SHOWN_QUANTILES = [0.5, 0.95, 0.99] as const;

/** Of how much a bin may be wider than its lower end, so that a number without its bin says enough: those of a log are, by 26 %. */
const NARROW = 1.26;

/** `32`, or `32 (20 to 50)` where the bucket that holds the quantile is wide; `> 250` above the last boundary, where nothing more is known. */
export function quantileWords(latency: Histogram, q: number): string {
  const found = histogramQuantile(latency, q);
  if (found === undefined) return '-';
  const { value, low, high } = found;
  if (!Number.isFinite(high)) return `> ${number(low)}`;
  return high > NARROW * low ? `${number(value)} (${number(low)} to ${number(high)})` : number(value);
}

/** What to know of latency quantiles that buckets tell; nothing where all bins are narrow. */
export function quantileNotes(arms: readonly Pick<ArmSummary, 'latency'>[], quantiles: readonly number[]): readonly string[] {
  const words = arms.flatMap(({ latency }) => quantiles.map((q) => quantileWords(latency, q)));
  return [
    ...(words.some((each) => each.includes('(')) ? ['Latency quantiles are interpolated within their bucket, in brackets.'] : []),
    ...(words.some((each) => each.startsWith('>')) ? ['After >: the last boundary, above which no more is known.'] : []),
  ];
}

export function statusBlocks(data: QualityData, now: number): Block[] {
  const rows = data.arms.map(({ arm, environment, requests, units, lastSeen, latency, matured, labelled, labelDelay, absentMeans }) => [
    environment, arm, countWords(requests), units === 0 ? '-' : countWords(units), lastSeen === 0 ? 'never' : ageWords(now - lastSeen),
    ...SHOWN_QUANTILES.map((q) => quantileWords(latency, q)), matured === 0 ? '-' : `${percent(Math.min(1, labelled / matured))}${absentMeans === undefined || labelled >= matured ? '' : `, others count as ${String(absentMeans)}`}`, labelDelayWords(labelDelay),
  ]);
  return [{ title: 'Arms', columns: ['environment', 'arm', 'predictions', 'units', 'last seen', ...SHOWN_QUANTILES.map((q) => `p${100 * q} ms`), 'labelled', 'labels come after'], rows }, { lines: quantileNotes(data.arms, SHOWN_QUANTILES) }];
}

/** The words for a count of one: `record` for `records` at their beginning. */
function ofOne(words: string): string {
  return words.replace(/^(malformed )?(record|outcome|unit|value)s\b/, '$1$2').replace(/ were /, ' was ').replace('which are not counted by themselves', 'which is not counted by itself').replace('each counted', 'counted');
}

export function notesBlock(notes: SourceNotes): Block {
  const counted: readonly (readonly [number, string])[] = [
    [notes.malformed, 'malformed records, left out'], [notes.duplicates, 'records whose request id had been seen, left out'], [notes.future, 'records from the future: a clock is wrong, or their times are local ones (without a zone they are read as UTC)'],
    [notes.withoutUnit, 'records without unit_id, each counted as a unit of its own'], [notes.unitsInBothArms, 'units seen in both arms, counted in the first'], [notes.notFinite, 'values that were NaN or infinite, counted as missing'],
    [notes.outcomesWithoutPrediction, 'outcomes whose prediction is not there (yet)'], [notes.excluded, 'records that where: leaves out'], [notes.otherSlices, `records of slices beyond the first ${MOST_SLICES}, which are not counted by themselves`],
  ];
  return { lines: [...counted.filter(([count]) => count > 0).map(([count, words]) => `${count} ${count === 1 ? ofOne(words) : words}.`), ...notes.examples.map((example) => `  ${example}`), ...notes.messages] };
}

/** An alarm, and what nobody could tell, by their word. */
function driftWords(feature: FeatureDrift): string {
  const verdict = driftVerdict(feature);
  return verdict === 'no alarm' ? feature.because : `${verdict === 'alarm' ? 'ALARM' : verdict}: ${feature.because}`;
}

export function driftBlocks({ features, onlyReference, onlyProduction, notMeasured }: DriftReport, what: string): Block[] {
  const rows = features.map((each) => [
    each.feature, number(each.psi), number(each.noise), number(each.jensenShannon), each.kolmogorovSmirnov === undefined ? '-' : `${number(each.kolmogorovSmirnov.distance)} (p ${number(each.kolmogorovSmirnov.p, 2)})`,
    number(each.wasserstein), each.chiSquared === undefined ? '-' : `${number(each.chiSquared.statistic)} (p ${number(each.chiSquared.p, 2)})`,
    `${percent(each.reference.missing)} -> ${percent(each.production.missing)}`, `${percent(each.unseenShare)}${each.unseen.length === 0 ? '' : ` (${each.unseen.slice(0, 3).join(', ')})`}`, driftWords(each),
  ]);
  return [
    { title: what, columns: ['feature', 'PSI', 'noise', 'JS', 'KS', 'Wasserstein', 'chi-squared', 'missing', 'unseen', 'verdict'], rows },
    { lines: [...(onlyReference.length === 0 ? [] : [`Only in the reference: ${onlyReference.join(', ')}.`]), ...(onlyProduction.length === 0 ? [] : [`Only in production: ${onlyProduction.join(', ')}.`]), ...(notMeasured.length === 0 ? [] : [`Not measured, being lists or mappings: ${notMeasured.join(', ')}.`])] },
  ];
}

/** What has another name in the tables than in JSON. */
const DRIFT_COLUMNS: Readonly<Record<string, string>> = { psi: 'PSI', jensenShannon: 'JS', kolmogorovSmirnov: 'KS', wasserstein: 'Wasserstein', chiSquared: 'chi-squared', rare: 'rare values, in the verdict' };

/** What the numbers of all drift tables of a report are, by the names of their columns: once, behind the last of them. */
export function driftDefinitions(): Block {
  return { lines: Object.entries(DRIFT_DEFINITIONS).map(([name, definition]) => `${DRIFT_COLUMNS[name] ?? name}: ${definition}.`) };
}

/** Features as they were logged against those that were recomputed. Where too few were, no verdict of a feature is more than its figures. */
export function skewBlocks({ features, asked, told, unknown, notRecomputed, notLogged, insufficient }: SkewReport, command: string): Block[] {
  const verdict = ({ alarm, because }: Pick<FeatureSkew, 'alarm' | 'because'>): string => (insufficient !== undefined ? `insufficient data: ${because}` : alarm ? `ALARM: ${because}` : because);
  const rows = features.map(({ feature, share, different, onlyLogged, onlyRecomputed, largest, ...each }) => [
    feature, percent(1 - share), countWords(different), countWords(onlyLogged), countWords(onlyRecomputed),
    largest === undefined ? '-' : `${largest.difference === undefined ? '' : `${number(largest.difference)}: `}${largest.logged} logged, ${largest.recomputed} recomputed (${largest.requestId})`, verdict(each),
  ]);
  const lines = [
    `Recomputed by ${command}: ${told} of ${asked} requests.`, ...(insufficient === undefined ? [] : [`That says nothing: ${insufficient}.`]), ...(unknown === 0 ? [] : [`${unknown} answers to requests that were not asked for, left out.`]),
    ...(notRecomputed.length === 0 ? [] : [`Not recomputed: ${notRecomputed.join(', ')}.`]), ...(notLogged.length === 0 ? [] : [`Not in the log: ${notLogged.join(', ')}.`]),
  ];
  return [{ title: 'Feature skew: logged against recomputed', columns: ['feature', 'equal', 'different', 'only logged', 'only recomputed', 'largest difference', 'verdict'], rows }, { lines }];
}

/** A line as Markdown that shows it: what begins a link, a tag, a column or an emphasis is escaped, figures stay legible. */
function asMarkdown(line: string): string {
  return line.replace(/[\\`*_[\]<>|~#&!$]/g, '\\$&');
}

/** A report as a Markdown document: its title, with the tables one level below. */
export function markdownDocument(title: string, blocks: readonly Block[]): string {
  return `# ${asMarkdown(plainLine(title, 200))}\n\n${blocksText(blocks, true)}`;
}

/** Blocks as text with aligned columns, or as the body of a Markdown document. */
export function blocksText(blocks: readonly Block[], markdown: boolean): string {
  return blocks.map((block) => {
    if ('lines' in block) return block.lines.map((line) => (markdown ? `${asMarkdown(plainLine(line, 400))}  \n` : `${plainLine(line, 400)}\n`)).join('');
    const cells = [block.columns, ...block.rows].map((row) => row.map((cell) => (markdown ? asMarkdown(plainLine(cell, 200)) : plainLine(cell, 200))));
    if (markdown) return `## ${asMarkdown(block.title)}\n\n${cells.map((row, index) => `| ${row.join(' | ')} |\n${index === 0 ? `|${row.map(() => '---').join('|')}|\n` : ''}`).join('')}`;
    const widths = block.columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    return `${block.title}\n${cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('')}`;
  }).filter((text) => text !== '').join('\n');
}
