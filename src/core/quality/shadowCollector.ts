import type { RecordLike } from '../expressions/evaluate.ts';
import type { LabelDefinition } from './definitions.ts';
import { RecentMap, Reservoir } from './hashing.ts';
import { RecentAnswers, type Answer } from './recentAnswers.ts';
import { isPositive, scoreOf } from './measures.ts';
import type { ShadowPairs } from './window.ts';

/** Answers that wait for their partner: this many at least. */
const MOST_WAITING = 100_000;
const MOST_EXAMPLES = 10;
const SAMPLE = 5000;

function words({ score, label, error }: Answer): string {
  return error ? 'error' : score === null ? label ?? 'nothing' : String(score);
}

/** Pairs the served answer with the shadow's by request id. */
export class ShadowCollector {
  readonly #labels: LabelDefinition;
  readonly #served = new RecentAnswers(MOST_WAITING);
  readonly #shadow = new RecentAnswers(MOST_WAITING);
  readonly #unlabelled = new RecentMap<readonly [boolean, boolean]>(MOST_WAITING);
  readonly #slices = new Map<string, { pairs: number; agreed: number }>();
  readonly #scores = [new Reservoir(SAMPLE, 11), new Reservoir(SAMPLE, 12), new Reservoir(SAMPLE, 13)] as const;
  #examples: { requestId: string; served: string; shadow: string; difference: number }[] = [];
  #pairs = 0;
  #agreed = 0;
  #errors = 0;
  #labelled = 0;
  #onlyServed = 0;
  #onlyShadow = 0;
  #hasShadow = false;

  constructor(labels: LabelDefinition) {
    this.#labels = labels;
  }

  /** `hash` is the request id's. */
  add(record: RecordLike, requestId: string, hash: number, slices: readonly string[]): void {
    const isShadow = record['role'] === 'shadow';
    this.#hasShadow ||= isShadow;
    const { label, error } = record;
    const score = scoreOf(record);
    const answer: Answer = {
      score,
      decision: score === null ? isPositive(label) : score >= this.#labels.threshold,
      label: typeof label === 'string' || typeof label === 'number' ? String(label) : undefined,
      error: error !== null && error !== undefined && error !== '' && error !== false,
      outcome: isPositive(record[this.#labels.field]),
      slices,
    };
    if (isShadow && answer.error) this.#errors += 1;
    const [own, others] = isShadow ? [this.#shadow, this.#served] : [this.#served, this.#shadow];
    const partner = others.take(hash);
    if (partner === undefined) {
      own.set(hash, answer);
      return;
    }
    this.#pair(requestId, isShadow ? partner : answer, isShadow ? answer : partner);
  }

  #pair(requestId: string, served: Answer, shadow: Answer): void {
    if (shadow.error || served.error) return;
    this.#pairs += 1;
    const agrees = served.decision !== null && shadow.decision !== null ? served.decision === shadow.decision : served.label === shadow.label;
    if (agrees) this.#agreed += 1;
    for (const slice of served.slices) {
      const counted = this.#slices.get(slice) ?? { pairs: 0, agreed: 0 };
      this.#slices.set(slice, { pairs: counted.pairs + 1, agreed: counted.agreed + Number(agrees) });
    }
    const difference = served.score === null || shadow.score === null ? Number(!agrees) : Math.abs(served.score - shadow.score);
    this.#scores[2].add(difference);
    if (served.score !== null) this.#scores[0].add(served.score);
    if (shadow.score !== null) this.#scores[1].add(shadow.score);
    const last = this.#examples.at(-1);
    if (difference > 0 && (this.#examples.length < MOST_EXAMPLES || difference > (last?.difference ?? 0))) {
      this.#examples = [...this.#examples, { requestId, served: words(served), shadow: words(shadow), difference }].sort((a, b) => b.difference - a.difference).slice(0, MOST_EXAMPLES);
    }
    if (served.decision === null || shadow.decision === null) return;
    const outcome = served.outcome ?? shadow.outcome;
    if (outcome === null) this.#unlabelled.set(requestId, [served.decision, shadow.decision]);
    else this.#judge(served.decision, shadow.decision, outcome);
  }

  #judge(served: boolean, shadow: boolean, outcome: boolean): void {
    this.#labelled += 1;
    if (served === outcome && shadow !== outcome) this.#onlyServed += 1;
    if (served !== outcome && shadow === outcome) this.#onlyShadow += 1;
  }

  addOutcome(requestId: string, value: unknown): void {
    const outcome = isPositive(value);
    const pair = this.#unlabelled.get(requestId);
    if (pair === undefined || outcome === null) return;
    this.#unlabelled.delete(requestId);
    this.#judge(pair[0], pair[1], outcome);
  }

  /** Undefined when there was no shadow. */
  get pairs(): ShadowPairs | undefined {
    if (!this.#hasShadow) return undefined;
    return {
      pairs: this.#pairs, unpaired: this.#shadow.size, agreed: this.#agreed, errors: this.#errors,
      served: this.#scores[0].values, shadow: this.#scores[1].values, differences: this.#scores[2].values,
      onlyServedRight: this.#onlyServed, onlyShadowRight: this.#onlyShadow, labelled: this.#labelled,
      slices: [...this.#slices].map(([slice, counted]) => ({ slice, ...counted })), examples: this.#examples,
    };
  }
}
