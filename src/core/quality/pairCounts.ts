import { toNumber } from '../expressions/evaluate.ts';
import type { LabelDefinition } from './definitions.ts';
import { binaryOf } from './measures.ts';
import { Reservoir, type SavedReservoir } from './reservoir.ts';
import type { Answer } from './waitingAnswers.ts';
import type { ShadowPairs } from './window.ts';

const MOST_EXAMPLES = 10;
const SAMPLE = 5000;

/** The request id is undefined where the shadow's answer was saved, without it. */
export type PairExample = Omit<ShadowPairs['examples'][number], 'requestId'> & { readonly requestId: string | undefined };

type SliceCounts = Omit<ShadowPairs['slices'][number], 'slice'>;

const NO_COUNTS = {
  /** Requests that both answered. */
  pairs: 0,
  /** Pairs with decisions, or labels, that can be the same, and those in which they are. */
  decided: 0, agreed: 0,
  /** Pairs with a score that is no probability, for which no threshold is given, and without labels. */
  notProbable: 0,
  /** Pairs whose decisions are by their labels, and pairs with a label that is neither yes nor no. */
  byLabel: 0, ofClasses: 0,
  /** What is no pair: requests without an answer, or with an error. */
  servedNothing: 0, shadowNothing: 0, servedErrors: 0, errors: 0,
  labelled: 0, onlyServedRight: 0, onlyShadowRight: 0,
};

/** What was counted of pairs, to go on from later. */
export interface SavedPairs {
  readonly counts: typeof NO_COUNTS;
  readonly slices: readonly (readonly [string, SliceCounts])[];
  readonly scores: readonly SavedReservoir[];
  readonly examples: readonly Omit<PairExample, 'difference'>[];
  readonly differences: Float64Array;
}

/** What both decided, for when the outcome is known. */
export type Decisions = readonly [served: boolean, shadow: boolean];

/** Classes are the same where they are written alike; yes and no may be written in several ways. */
function isSameLabel(served: string, shadow: string): boolean {
  const decision = binaryOf(served);
  return served === shadow || (decision !== null && decision === binaryOf(shadow));
}

/** An answer whose score is a class where the other has a class that is a number: the code of shadow calls logs each number as a score, a served record has its `label`. */
function asClass(answer: Answer, other: Answer): Answer {
  const { score, label } = answer;
  const known = other.score === null && label === undefined && other.label !== undefined && Number.isInteger(score) ? toNumber(other.label) : null;
  // 0 and 1 may be probabilities; as yes and no they are the same by their threshold.
  const isYesOrNo = (score === 0 || score === 1) && binaryOf(other.label) !== null;
  if (known === null || other.label === undefined || !Number.isInteger(known) || isYesOrNo) return answer;
  return { ...answer, score: null, label: known === score ? other.label : String(score) };
}

function words({ score, label, error }: Answer): string {
  return error ? 'error' : score === null ? label ?? 'nothing' : String(score);
}

/** The pairs of one environment and one version of the candidate. */
export class PairCounts {
  readonly #labels: LabelDefinition;
  readonly #slices: Map<string, SliceCounts>;
  readonly #scores: readonly [Reservoir, Reservoir, Reservoir];
  #examples: readonly PairExample[];
  readonly counts: typeof NO_COUNTS;

  constructor(labels: LabelDefinition, saved?: SavedPairs) {
    this.#labels = labels;
    this.counts = { ...NO_COUNTS, ...saved?.counts };
    this.#slices = new Map(saved?.slices);
    this.#scores = [new Reservoir(SAMPLE, 11, saved?.scores[0]), new Reservoir(SAMPLE, 12, saved?.scores[1]), new Reservoir(SAMPLE, 13, saved?.scores[2])];
    this.#examples = saved?.examples.map((example, index) => ({ ...example, difference: saved.differences[index] ?? Number.NaN })) ?? [];
  }

  get saved(): SavedPairs {
    return {
      counts: { ...this.counts }, slices: [...this.#slices], scores: this.#scores.map(({ saved }) => saved),
      examples: this.#examples.map(({ requestId, served, shadow }) => ({ requestId, served, shadow })), differences: Float64Array.from(this.#examples, ({ difference }) => difference),
    };
  }

  /** Whether the request id of an example is not known. */
  get isIncomplete(): boolean {
    return this.#examples.some(({ requestId }) => requestId === undefined);
  }

  /** The two answers to a request. Decisions, where there are any to compare with an outcome. */
  add(loggedServed: Answer, loggedShadow: Answer): Decisions | undefined {
    const { counts } = this;
    const [served, shadow] = [asClass(loggedServed, loggedShadow), asClass(loggedShadow, loggedServed)];
    const [isServedEmpty, isShadowEmpty] = [isEmpty(served), isEmpty(shadow)];
    if (shadow.error) counts.errors += 1;
    if (served.error) counts.servedErrors += 1;
    if (isServedEmpty) counts.servedNothing += 1;
    if (isShadowEmpty) counts.shadowNothing += 1;
    if (shadow.error || served.error || isServedEmpty || isShadowEmpty) return undefined;
    counts.pairs += 1;
    const isByLabel = this.#areByLabel(served, shadow);
    if (isByLabel) counts.byLabel += 1;
    if ([served, shadow].some((answer) => isOfClasses(answer, isByLabel))) counts.ofClasses += 1;
    const agrees = this.#agrees(served, shadow);
    if (agrees !== undefined) counts.decided += 1;
    if (agrees === true) counts.agreed += 1;
    if (agrees === undefined && !(this.#isDecided(served) && this.#isDecided(shadow))) counts.notProbable += 1;
    const difference = served.score === null || shadow.score === null ? agrees === undefined ? undefined : Number(!agrees) : Math.abs(served.score - shadow.score);
    for (const slice of served.slices) this.#countSlice(slice, agrees, difference);
    if (served.score !== null) this.#scores[0].add(served.score);
    if (shadow.score !== null) this.#scores[1].add(shadow.score);
    if (difference !== undefined) this.#differ(served, shadow, difference);
    const decisions = this.#decisionsOf(served, shadow);
    return decisions[0] === null || decisions[1] === null ? undefined : [decisions[0], decisions[1]];
  }

  /** Whether a threshold means something to its score. */
  #isDecided({ score }: Answer): boolean {
    return score === null || this.#labels.isThresholdGiven === true || (score >= 0 && score <= 1);
  }

  #decisionOf(answer: Answer): boolean | null {
    return answer.score === null || !this.#isDecided(answer) ? binaryOf(answer.label) : answer.score >= this.#labels.threshold;
  }

  /** What was decided stands in the labels, where both have one. Where both have scores, too, only a threshold that somebody wrote decides in their place. */
  #areByLabel(served: Answer, shadow: Answer): boolean {
    const areScores = served.score !== null && shadow.score !== null && this.#isDecided(served) && this.#isDecided(shadow);
    return served.label !== undefined && shadow.label !== undefined && !(areScores && this.#labels.isThresholdGiven === true);
  }

  #decisionsOf(served: Answer, shadow: Answer): readonly [served: boolean | null, shadow: boolean | null] {
    return this.#areByLabel(served, shadow) ? [binaryOf(served.label), binaryOf(shadow.label)] : [this.#decisionOf(served), this.#decisionOf(shadow)];
  }

  /** Undefined: there is nothing of the two that can be the same. */
  #agrees(served: Answer, shadow: Answer): boolean | undefined {
    if (this.#areByLabel(served, shadow)) return isSameLabel(served.label ?? '', shadow.label ?? '');
    const decisions = this.#decisionsOf(served, shadow);
    return decisions.includes(null) ? undefined : decisions[0] === decisions[1];
  }

  #countSlice(slice: string, agrees: boolean | undefined, difference: number | undefined): void {
    const { pairs, decided, agreed, scored, differences } = this.#slices.get(slice) ?? { pairs: 0, decided: 0, agreed: 0, scored: 0, differences: 0 };
    this.#slices.set(slice, { pairs: pairs + 1, decided: decided + Number(agrees !== undefined), agreed: agreed + Number(agrees === true), scored: scored + Number(difference !== undefined), differences: Math.min(Number.MAX_VALUE, differences + (difference ?? 0)) });
  }

  #differ(served: Answer, shadow: Answer, difference: number): void {
    this.#scores[2].add(difference);
    const last = this.#examples.at(-1);
    if (difference > 0 && (this.#examples.length < MOST_EXAMPLES || difference > (last?.difference ?? 0))) {
      this.#examples = [...this.#examples, { requestId: shadow.requestId, served: words(served), shadow: words(shadow), difference }].sort((a, b) => b.difference - a.difference).slice(0, MOST_EXAMPLES);
    }
  }

  /** `times`: -1 takes back what it was judged by. */
  judge([served, shadow]: Decisions, outcome: boolean, times: 1 | -1 = 1): void {
    this.counts.labelled += times;
    if (served === outcome && shadow !== outcome) this.counts.onlyServedRight += times;
    if (served !== outcome && shadow === outcome) this.counts.onlyShadowRight += times;
  }

  get told(): Pick<ShadowPairs, keyof typeof NO_COUNTS | 'served' | 'shadow' | 'differences' | 'slices' | 'examples'> {
    return {
      ...this.counts, served: this.#scores[0].values, shadow: this.#scores[1].values, differences: this.#scores[2].values,
      slices: [...this.#slices].map(([slice, counted]) => ({ slice, ...counted })), examples: this.#examples.map((example) => ({ ...example, requestId: example.requestId ?? '' })),
    };
  }
}

/** Whether its label is one class of several: a number that is neither 0 nor 1, or words, where they and not a score beside them are what was decided. */
function isOfClasses({ score, label }: Answer, isByLabel: boolean): boolean {
  return label !== undefined && binaryOf(label) === null && (isByLabel || score === null || toNumber(label) !== null);
}

/** Neither a number nor a label, and no error that would say why. */
function isEmpty({ score, label, error }: Answer): boolean {
  return !error && score === null && label === undefined;
}
