import type { AppError } from '../../core/base/errors.ts';
import { ageWords, countWords, escapeMarkdown, plainLine } from '../../core/base/words.ts';
import { currentAlike, type MetricComparison } from '../../core/quality/comparison.ts';
import { isMeasured } from '../../core/quality/drift.ts';
import { againstReference, againstWords, unmeasured } from '../../core/quality/productionDrift.ts';
import { driftAlarms, elsewhere, silences, worstFact, worstOf, type ProductionFacts, type WorstFact } from '../../core/quality/productionWords.ts';
import type { SkewReport } from '../../core/quality/skew.ts';
import { effectWords, notesBlock, percent, valueWords } from '../../core/quality/reportText.ts';
import type { FlagFacts } from '../flags/facts.ts';
import type { DetailNode } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import { productionFacts } from './qualityFacts.ts';
import type { QualityReading } from './qualityReader.ts';
import type { QualityRef, QualityStore } from './qualityStore.ts';

const shown = (text: string, length?: number): string => escapeMarkdown(plainLine(text, length));
const MOST_LINES = 12;

/** As many as there is room for, and how many more there are. */
function few<T>(items: readonly T[], lineOf: (words: string) => T): readonly T[] {
  return items.length <= MOST_LINES ? items : [...items.slice(0, MOST_LINES), lineOf(`${items.length - MOST_LINES} more in the dashboard`)];
}

const info = (label: string): Line => ({ label, icon: 'info' });

const isWorse = ({ verdict }: MetricComparison): boolean => verdict === 'worse';
/** Neither alarm nor all-clear. */
const UNKNOWN = 'circle-outline';

export function refOf({ folder, model }: Pick<QualityReading, 'folder' | 'model'>): QualityRef {
  return { folder: folder.uri.toString(), model: model.name };
}

function readingsOf(store: QualityStore, { arms }: Pick<FlagFacts, 'arms'>): QualityReading[] {
  return arms.flatMap(({ model }) => store.of(model) ?? []);
}

/** The worst fact, as long as there is room; nothing before something was read. */
export function qualityLensText(store: QualityStore, facts: FlagFacts, room: number, now: number): string | undefined {
  if (facts.status !== 'active') return undefined;
  const worst = worstOf(readingsOf(store, facts).flatMap((reading): WorstFact[] => {
    const known = productionFacts(reading, now);
    if (known === undefined) return reading.error === undefined ? [] : [{ kind: 'failed', words: ['quality: the source cannot be read', 'no quality'] }];
    const fact = worstFact(known);
    // What there is no room for keeps no other model's fact from being shown.
    return fact?.words.some(({ length }) => length <= room) === true ? [fact] : [];
  }));
  return worst?.words.find(({ length }) => length <= room);
}

/** Whether the lens has something worse to say than that all is well. */
export function isUrgent(store: QualityStore, facts: FlagFacts, now: number): boolean {
  return facts.status === 'active' && readingsOf(store, facts).some((reading) => {
    const known = productionFacts(reading, now);
    return known !== undefined && (worstFact(known)?.kind ?? 'fine') !== 'fine';
  });
}

/** Every metric with its verdict, observed beside configured share, drift and what is wrong with the source. */
export function qualityHoverText(store: QualityStore, facts: FlagFacts, now: number): string {
  return readingsOf(store, facts).map((reading) => {
    const known = productionFacts(reading, now);
    const because = reading.wrong ?? reading.error;
    if (known === undefined) return because === undefined ? '' : `**${shown(reading.model.name)} in production** ${shown(because.message, 300)}`;
    const lines = [
      ...few([...known.report.metrics].sort((a, b) => Number(isWorse(b)) - Number(isWorse(a))).map((metric) => `${shown(metric.name, 60)}: ${shown(metricWords(metric), 200)}: **${shown(metric.verdict)}**`), (words) => words),
      ...otherLines(reading, known).map(({ label, description }) => `${shown(label, 200)}${description === undefined ? '' : `: ${shown(description, 200)}`}`),
    ];
    return `**${shown(reading.model.name)} in ${shown(reading.environment)}**, read ${shown(ageWords(now - (reading.readAt ?? now)))}\n- ${lines.join('\n- ')}`;
  }).filter((text) => text !== '').join('\n\n');
}

/** `1.8 % vs 2.1 %, 0.87x (0.6 to 1.2), n 3.1k vs 9.7k`. */
export function metricWords(metric: MetricComparison): string {
  const { candidate, current, effect } = metric;
  return `${valueWords(metric, candidate.value)} vs ${valueWords(metric, currentAlike(metric) ?? current.value)}${effect === undefined ? '' : `, ${effectWords(metric)}`}, n ${countWords(candidate.n)} vs ${countWords(current.n)}`;
}

interface Line {
  readonly label: string;
  readonly description?: string;
  readonly icon: string;
  readonly retrain?: true;
}

function otherLines({ environment, data, skew, definition }: QualityReading, known: ProductionFacts): Line[] {
  const { sampleRatio } = known.report;
  const units = sampleRatio.candidate + sampleRatio.current;
  const other = elsewhere(known.data, environment);
  const fromReference = new Set(driftAlarms(againstReference(known.drift)).map(({ feature }) => feature));
  return [
    ...(other === undefined ? [] : [{ label: other.words, description: other.mend, icon: 'warning' }]),
    ...silences(known).map(({ arm, words }): Line => ({ label: `${arm}: ${words}`, description: environment, icon: 'warning' })),
    ...(units === 0 ? [] : [{
      label: 'share of units', icon: sampleRatio.verdict === 'mismatch' ? 'warning' : 'pie-chart',
      description: `observed ${percent(sampleRatio.observed)}, configured ${sampleRatio.configured === undefined ? 'unknown' : percent(sampleRatio.configured)}: ${sampleRatio.verdict} (${countWords(units)} units)`,
    }]),
    ...few(driftAlarms(known.drift).map(({ feature, because }): Line => ({ label: `${feature} drifted`, description: because, icon: 'warning', ...(fromReference.has(feature) ? { retrain: true } : {}) })), info),
    ...unmeasured(known.data, environment, known.drift, definition.drift.reference !== undefined).filter(({ isAsked }) => isAsked).map(({ words }): Line => ({ label: 'drift: insufficient data', description: words, icon: UNKNOWN })),
    ...referenceLines(known),
    ...(skew === undefined ? [] : skewLines(skew.report)),
    ...(data === undefined ? [] : sourceLines(data)),
  ];
}

function skewLines({ features, told, insufficient }: SkewReport): Line[] {
  const skewed = features.filter(({ alarm }) => alarm);
  if (insufficient !== undefined) return [{ label: 'feature skew: insufficient data', description: insufficient, icon: UNKNOWN }];
  if (skewed.length === 0) return [{ label: 'no feature skew', description: `${countWords(told)} requests recomputed`, icon: 'pass' }];
  return [...few(skewed.map(({ feature, because }): Line => ({ label: `${feature} skewed`, description: because, icon: 'warning' })), info)];
}

/** What drift is measured against, where nothing drifted: what did says it itself. */
function referenceLines({ drift }: ProductionFacts): Line[] {
  if (driftAlarms(drift).length > 0) return [];
  const references = new Set(againstReference(drift).filter(({ report }) => isMeasured(report)).map(againstWords));
  return [...references].map((reference) => ({ label: 'no drift', description: `against ${reference}`, icon: 'pass' }));
}

function sourceLines({ notes }: Pick<NonNullable<QualityReading['data']>, 'notes'>): Line[] {
  const block = notesBlock(notes);
  return [...few(('lines' in block ? block.lines : []).map((line) => info(line.trim())), info)];
}

function verdictIcon({ verdict }: MetricComparison): string {
  switch (verdict) {
    case 'worse': return 'error';
    case 'not worse': return 'pass';
    case 'void': return 'warning';
    case 'undecided': case 'insufficient data': case 'no control': return UNKNOWN;
  }
}

/** The worst that is known of a model, or why nothing is. */
export function stateOf(reading: QualityReading, now: number): { readonly words: string; readonly isBad: boolean } {
  const known = productionFacts(reading, now);
  const worst = known === undefined ? undefined : worstFact(known);
  const words = worst?.words[0] ?? (reading.error !== undefined ? 'cannot be read' : reading.loading ? 'reading...' : reading.data === undefined ? 'not read yet' : 'no record yet');
  return { words, isBad: reading.error !== undefined || reading.wrong !== undefined || (worst !== undefined && worst.kind !== 'fine') };
}

/** A node "Quality" for each model behind the flag, with its metrics below. */
export function qualityNodes(store: QualityStore, facts: FlagFacts, now: number): DetailNode[] {
  const { connection, name } = facts;
  return readingsOf(store, facts).map((reading): DetailNode => {
    const id = JSON.stringify(['quality', connection.baseUrl, connection.project, name, reading.folder.uri.toString(), reading.model.name]);
    const { words, isBad } = stateOf(reading, now);
    return {
      kind: 'detail', id, label: facts.arms.length > 1 ? `Quality of ${reading.model.name}` : 'Quality', description: words, icon: isBad ? 'warning' : 'graph',
      tooltip: `How ${reading.model.name} does in ${reading.environment}. Choose this line for the dashboard.`, context: 'quality',
      command: { title: 'Open Dashboard', command: Command.openDashboard, arguments: [refOf(reading)] },
      connection, flag: name,
      children: () => lines(reading, productionFacts(reading, now), id),
    };
  });
}

function lines(reading: QualityReading, known: ProductionFacts | undefined, id: string): DetailNode[] {
  const because = reading.wrong ?? reading.error;
  const failure = because === undefined ? [] : [failureNode(because, reading, id)];
  if (known === undefined) return failure;
  const metrics = known.report.metrics.map((metric): DetailNode => ({
    kind: 'detail', id: `${id} metric ${metric.name}`, label: metric.name, description: `${metric.verdict} · ${metricWords(metric)}`, icon: verdictIcon(metric), tooltip: `${metric.role}: ${metric.because}`,
  }));
  const others = otherLines(reading, known).map(({ label, description, icon, retrain }, index): DetailNode => ({
    kind: 'detail', id: `${id} line ${index}`, label, icon,
    ...(description === undefined ? {} : { description }),
    ...(retrain === undefined ? {} : { tooltip: 'Production is not what the model was trained on. Choose this line to retrain.', context: 'drifted', command: { title: 'Retrain...', command: Command.retrain, arguments: [refOf(reading)] } }),
  }));
  return [...failure, ...metrics, ...others];
}

function failureNode({ message, code }: AppError, reading: QualityReading, id: string): DetailNode {
  const signIn = code === 'auth' ? { title: 'Sign In', command: Command.prometheusSignIn, arguments: [] } : { title: 'Try Again', command: Command.refreshQuality, arguments: [refOf(reading)] };
  return {
    kind: 'detail', id: `${id} failure`, label: message, tooltip: message, icon: 'warning', command: signIn,
    description: reading.readAt === undefined ? 'nothing was read yet' : `shown is what was read ${ageWords(Date.now() - reading.readAt)}`,
  };
}
