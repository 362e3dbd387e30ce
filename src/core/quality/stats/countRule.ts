/**
 * The rule that decides about guardrails: bad events of the candidate against those of the current version, in intervals of constant allocation. Given that an
 * interval had n bad events in both arms, those of the candidate are binomial with p = R N_T / (R N_T + N_C) when the candidate's rate is R times the current's.
 * E is a mixture of likelihood ratios against worse ratios: it exceeds 1 / alpha with probability at most alpha while the candidate is not worse, however
 * often one looks, whatever one does after a look, and whatever the percentage was meanwhile.
 *
 * Sources: Lindon and Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022 (arXiv 2011.03567); Lindon, Sanden and Shirikian, Rapid regression
 * detection in software deployments through sequential testing, KDD 2022 (arXiv 2205.14762); restarts: Shin, Ramdas and Rinaldo, E-detectors (arXiv 2203.03532).
 */

import { RateChange, type Counted } from './rateChange.ts';

/** How much worse than the margin the mixture bets on. */
export const WORSE_RATIOS: readonly number[] = [1.25, 1.5, 2, 3, 5];
const LESS = WORSE_RATIOS.map((times) => 1 / times);

/** Bad events of one interval in which the allocation did not change. Not whole numbers where dependence was divided out. */
export interface CountInterval {
  /** Bad events of the candidate. */
  readonly candidateBad: number;
  /** Bad events of both arms. */
  readonly bad: number;
  /** Observations of each arm. */
  readonly candidateCount: number;
  readonly currentCount: number;
  /** Which block of fixed length it lies in; never smaller than that of the interval before. */
  readonly block: number;
  /** Services have rates of their own. */
  readonly service?: string;
}

/** `hits` of `trials` events, of which the share is at most `share` while nothing is wrong. */
type Counts = readonly [share: number, hits: number, trials: number];

/** The candidate's share of the bad events when its rate is `ratio` times the current's. */
export function nullShare(ratio: number, { candidateCount, currentCount }: Pick<CountInterval, 'candidateCount' | 'currentCount'>): number {
  return (ratio * candidateCount) / (ratio * candidateCount + currentCount);
}

/** ln of (q/p)^S ((1-q)/(1-p))^(n-S) with q the share p whose odds are `times` as large. */
function logLikelihoodRatio(p: number, times: number, hits: number, trials: number): number {
  // q/p = times / (1 - p + times p) and (1-q)/(1-p) = 1 / (1 - p + times p).
  return hits * Math.log(times) - trials * Math.log(1 - p + times * p);
}

/** One betting fraction: the running product, and the sum over the blocks at which it was begun anew. */
class RestartedProduct {
  /** ln of the product of all that is over: see `Stretch`. */
  #total = 0;
  /** ln of the product before each of the begun blocks. */
  readonly #before: number[] = [];
  /** ln of the sum over begun blocks j of weight(j) / product before j. */
  #started = Number.NEGATIVE_INFINITY;

  start(block: number): void {
    this.#before.push(this.#total);
    const term = -Math.log(block * (block + 1)) - this.#total;
    const larger = Math.max(term, this.#started);
    this.#started = larger + Math.log(Math.exp(term - larger) + Math.exp(this.#started - larger));
  }

  add(logRatio: number): void {
    this.#total += logRatio;
  }

  /** ln of the sum over begun blocks of weight times product since the block. `open`: ln of the product of what is not over. */
  restarted(open: number): number {
    return this.#total + open + this.#started;
  }

  plain(open: number): number {
    return this.#total + open;
  }

  /** ln of the product since a begun block, the first of which is 0. */
  since(block: number, open: number): number {
    return this.#total + open - (this.#before[block] ?? 0);
  }
}

/** A service while its current version fails at the same rate: ln of the products by betting fraction and limit, of the pieces that are over and of the one that is not. */
class Stretch {
  readonly #change = new RateChange();
  #logs: number[][];
  #piece: number[][];

  constructor(fractions: number, limits: number) {
    const none = (): number[][] => Array.from({ length: fractions }, () => new Array<number>(limits).fill(0));
    [this.#logs, this.#piece] = [none(), none()];
  }

  add(fraction: number, limit: number, logRatio: number): void {
    const logs = this.#piece[fraction];
    if (logs !== undefined) logs[limit] = (logs[limit] ?? 0) + logRatio;
  }

  /** Ends an interval of these events of the current version. Where a rate has changed, answers ln of the products of what was before, against the limit that each speaks least against. */
  ended(current: Counted): readonly number[] | undefined {
    const found = this.#change.add(current);
    if (found === 'open') return undefined;
    const before = found === 'changed' ? this.#logs.map((logs) => Math.min(...logs)) : undefined;
    for (const [fraction, piece] of this.#piece.entries()) {
      const logs = this.#logs[fraction] ?? [];
      for (const [limit, log] of piece.entries()) logs[limit] = found === 'changed' ? log : (logs[limit] ?? 0) + log;
      piece.fill(0);
    }
    return before;
  }

  /** ln of the product for a betting fraction, against the limit that it speaks least against. */
  open(fraction: number): number {
    return Math.min(...(this.#logs[fraction] ?? []).map((log, limit) => log + (this.#piece[fraction]?.[limit] ?? 0)));
  }
}

function logMeanExp(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length);
}

/** What a block must be able to tell of a service against each limit (2.6 in ln E where odds are half as large again), and ln E at which it is given up: see `addEither`. */
const [ENOUGH, HOPELESS] = [32, 3];

/** Evidence as ln E: E itself overflows where the case is clear. */
export interface Evidence {
  /** ln E with restarts: E = sum over blocks j of E(from block j on) / (j (j + 1)). */
  readonly restarted: number;
  /** ln E of all data as one product; slow where a model decays after long health. */
  readonly plain: number;
}

/** Takes intervals one after the other, in constant time and memory each. */
export class EvidenceProcess {
  readonly #products: readonly RestartedProduct[];
  readonly #times: readonly number[];
  /** Blocks begun so far; the first is 1. */
  #blocks = 0;
  #block = Number.NEGATIVE_INFINITY;
  /** What the block that runs could tell against each limit: the sum of trials times share times 1 - share. */
  #told: number[] = [];
  /** By service, of the block that runs. */
  readonly #stretches = new Map<string, Stretch>();

  constructor(times: readonly number[] = WORSE_RATIOS) {
    this.#times = times;
    this.#products = times.map(() => new RestartedProduct());
  }

  /**
   * `hits` of `trials` events whose share is at most `share` while nothing is wrong. Blocks without data do not count as begun: which block comes next is
   * known before its data, so the weights may follow the blocks that have some.
   */
  add(share: number, hits: number, trials: number, block: number): void {
    if (block > this.#block) {
      this.#block = block;
      this.#start();
    }
    // Where there were no trials each of them is 0.
    if (trials > 0 && share > 0 && share < 1) for (const [fraction, product] of this.#products.entries()) product.add(logLikelihoodRatio(share, this.#times[fraction] ?? 1, hits, trials));
  }

  /**
   * The same of one service where there are several limits, one of which is kept while nothing is wrong, but not always the same: each stretch counts against the one that it speaks least against. Over all of them together that would be another claim: a
   * candidate that is over the one limit in quiet times, and over the other where both arms have many bad events, was never over both. So a stretch ends where the current version's own rate visibly changes (`RateChange`), in each service by
   * itself. It would be valid already if only blocks counted so, for where a block ends is a stopping time: to divide one further only makes its evidence smaller.
   * The smaller of two that tell next to nothing is mostly below 0 by chance, however bad the candidate is, so a block lasts until it could tell enough, by what came before the next one.
   * @param current bad events of the current version, of its observations
   */
  addEither(counted: readonly Counts[], block: number, service: string, current: Counted): void {
    if (block > this.#block) {
      this.#block = block;
      if (this.#blocks === 0 || this.#isOver) {
        this.#end();
        this.#start();
        this.#told = new Array<number>(counted.length).fill(0);
      }
    }
    const stretch = this.#stretches.get(service) ?? new Stretch(this.#times.length, counted.length);
    this.#stretches.set(service, stretch);
    for (const [limit, [share, hits, trials]] of counted.entries()) {
      if (!(share > 0 && share < 1)) continue;
      this.#told[limit] = (this.#told[limit] ?? 0) + trials * share * (1 - share);
      for (const [fraction, times] of this.#times.entries()) stretch.add(fraction, limit, logLikelihoodRatio(share, times, hits, trials));
    }
    const before = stretch.ended(current);
    if (before !== undefined) for (const [fraction, product] of this.#products.entries()) product.add(before[fraction] ?? 0);
  }

  /** How many blocks have begun. */
  get blocks(): number {
    return this.#blocks;
  }

  #start(): void {
    this.#blocks += 1;
    for (const product of this.#products) product.start(this.#blocks);
  }

  #end(): void {
    for (const [fraction, product] of this.#products.entries()) product.add(this.#open(fraction));
    this.#stretches.clear();
  }

  /** ln of the product of the stretches that are not over. */
  #open(fraction: number): number {
    let log = 0;
    for (const stretch of this.#stretches.values()) log += stretch.open(fraction);
    return log;
  }

  #mean(logOf: (product: RestartedProduct, open: number) => number): number {
    return logMeanExp(this.#products.map((product, fraction) => logOf(product, this.#open(fraction))));
  }

  /** Whether the block that runs tells enough against each limit, or so much for one that the next is better begun anew. */
  get #isOver(): boolean {
    return Math.min(...this.#told) >= ENOUGH * this.#stretches.size || this.#mean((product, open) => product.since(this.#blocks - 1, open)) <= -HOPELESS;
  }

  /** Which of the begun blocks, the first of which is 0, has most of the restarted E. */
  get strongest(): number {
    const parts = Array.from({ length: this.#blocks }, (_, block) => this.#mean((product, open) => product.since(block, open)) - Math.log((block + 1) * (block + 2)));
    return parts.reduce((best, log, block) => (log > (parts[best] ?? Number.NEGATIVE_INFINITY) ? block : best), 0);
  }

  get evidence(): Evidence {
    if (this.#blocks === 0) return { restarted: 0, plain: 0 };
    const begun = this.#mean((product, open) => product.restarted(open));
    // Blocks that have not begun have E = 1 and together the weight that is left.
    const rest = -Math.log(this.#blocks + 1);
    const larger = Math.max(begun, rest);
    return { restarted: larger + Math.log(Math.exp(begun - larger) + Math.exp(rest - larger)), plain: this.#mean((product, open) => product.plain(open)) };
  }
}

/** Counts one interval against limits. */
type Taken = (process: EvidenceProcess, interval: CountInterval) => void;

const above = (rate: number): Taken => (process, { candidateBad, candidateCount, block }) => process.add(rate, candidateBad, candidateCount, block);

function guarded(ratio: number, minRate: number): Taken {
  return (process, interval) => {
    const { candidateBad, bad, candidateCount, currentCount, block, service = '' } = interval;
    const share = nullShare(ratio, interval);
    if (minRate <= 0) process.add(share, candidateBad, bad, block);
    else process.addEither([[share, candidateBad, bad], [minRate, candidateBad, candidateCount]], block, service, { bad: bad - candidateBad, count: currentCount });
  };
}

function evidenceOf(intervals: Iterable<CountInterval>, take: Taken): Evidence {
  const process = new EvidenceProcess();
  for (const each of intervals) take(process, each);
  return process.evidence;
}

/** ln E that the candidate's rate is more than `ratio` times the current's; intervals in the order of time. */
export function evidenceWorse(intervals: Iterable<CountInterval>, ratio: number): Evidence {
  return evidenceOf(intervals, guarded(ratio, 0));
}

/** ln E that the candidate's own rate is more than `rate`: for baselines so small that ratios say nothing. */
export function evidenceAboveRate(intervals: Iterable<CountInterval>, rate: number): Evidence {
  return evidenceOf(intervals, above(rate));
}

/**
 * ln E against "the candidate's rate is at most the larger of `ratio` times the current's and `minRate`": both have to be exceeded, and at the same time, see `addEither`. By the evidence of all intervals a candidate with few bad events, but
 * more than the current version, would be in breach as soon as both alike have many.
 */
export function guardEvidence(intervals: readonly CountInterval[], ratio: number, minRate = 0): Evidence {
  return evidenceOf(intervals, guarded(ratio, minRate));
}

/** Where the restart begins that has most of the restarted E. */
function strongestRestart(intervals: readonly CountInterval[], take: Taken): number {
  const [process, firsts] = [new EvidenceProcess(), [] as number[]];
  for (const [index, interval] of intervals.entries()) {
    take(process, interval);
    if (process.blocks > firsts.length) firsts.push(index);
  }
  return firsts[process.strongest] ?? 0;
}

/**
 * Since which interval the candidate has been so bad: where the restart begins that carries an alarm of `guardEvidence`. What came before hides it in the sum of all, so that after long health the ratio of all intervals may be within the margin.
 * @returns its index; 0 where all of them carry it
 */
export function worseSince(intervals: readonly CountInterval[], ratio: number, minRate = 0): number {
  return strongestRestart(intervals, guarded(ratio, minRate));
}

/** The same of an alarm of `evidenceAboveRate`. */
export function aboveRateSince(intervals: readonly CountInterval[], rate: number): number {
  return strongestRestart(intervals, above(rate));
}

/**
 * ln E against "the candidate's rate is at least `ratio` times the current's and at least `minRate`": the mirror of the rule, needed to advance. Not restarted: it is about all
 * of the intervals. Each of the two limits has evidence of its own that is valid while that limit is not kept, so their mean is valid while neither is; without the second a service
 * that has no bad events at all could never be shown to be good.
 * @param absolute intervals for the second limit, whose dependence may be told by other events than these: without bad events there is none to be seen
 */
export function evidenceNotWorse(intervals: Iterable<CountInterval>, ratio: number, minRate = 0, absolute: Iterable<CountInterval> = intervals): number {
  const relative = new EvidenceProcess(LESS);
  for (const each of intervals) relative.add(nullShare(ratio, each), each.candidateBad, each.bad, each.block);
  if (minRate <= 0) return relative.evidence.plain;
  const below = new EvidenceProcess(LESS);
  for (const each of absolute) below.add(minRate, each.candidateBad, each.candidateCount, each.block);
  return logMeanExp([relative.evidence.plain, below.evidence.plain]);
}

/** ln of the mean of several guardrails' E: one alarm level for all of them, never weaker than Bonferroni's (the mean is at least the largest divided by their number). */
export function joinEvidence(logs: readonly number[]): number {
  return logs.length === 0 ? 0 : logMeanExp(logs);
}

/** Whether ln E reaches 1 / alpha. */
export function alarms(logEvidence: number, alpha: number): boolean {
  return logEvidence >= -Math.log(alpha);
}
