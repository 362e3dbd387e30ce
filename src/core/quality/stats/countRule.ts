/**
 * The rule that decides about guardrails: bad events of the candidate against those of the current version, in intervals of constant allocation. Given that an
 * interval had n bad events in both arms, those of the candidate are binomial with p = R N_T / (R N_T + N_C) when the candidate's rate is R times the current's.
 * E is a mixture of likelihood ratios against worse ratios: it exceeds 1 / alpha with probability at most alpha while the candidate is not worse, however
 * often one looks, whatever one does after a look, and whatever the percentage was meanwhile.
 *
 * Sources: Lindon and Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022 (arXiv 2011.03567); Lindon, Sanden and Shirikian, Rapid regression
 * detection in software deployments through sequential testing, KDD 2022 (arXiv 2205.14762); restarts: Shin, Ramdas and Rinaldo, E-detectors (arXiv 2203.03532).
 */

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
}

/** `hits` of `trials` events, of which the share is at most `share` while nothing is wrong. */
type Counts = readonly [share: number, hits: number, trials: number];
/** What is counted of one interval against one limit. */
type Counted = (interval: CountInterval) => Counts;

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
  /** ln of the product of the blocks that are over. */
  #total = 0;
  /** ln of the product of the block that runs, against each limit. */
  #running: number[] = [];
  /** ln of the product before each of the begun blocks. */
  readonly #before: number[] = [];
  /** ln of the sum over begun blocks j of weight(j) / product before j. */
  #started = Number.NEGATIVE_INFINITY;

  start(block: number): void {
    this.#total = this.plain;
    this.#running = [];
    this.#before.push(this.#total);
    const term = -Math.log(block * (block + 1)) - this.#total;
    const larger = Math.max(term, this.#started);
    this.#started = larger + Math.log(Math.exp(term - larger) + Math.exp(this.#started - larger));
  }

  add(limit: number, logRatio: number): void {
    this.#running[limit] = (this.#running[limit] ?? 0) + logRatio;
  }

  /** Gives up what one limit is ahead of another by more than so much. */
  level(most: number): void {
    const least = Math.min(...this.#running);
    for (let limit = 0; limit < this.#running.length; limit += 1) this.#running[limit] = Math.min(this.#running[limit] ?? 0, least + most);
  }

  /** ln of the sum over begun blocks of weight times product since the block. */
  get restarted(): number {
    return this.plain + this.#started;
  }

  get plain(): number {
    return this.#running.length === 0 ? this.#total : this.#total + Math.min(...this.#running);
  }

  /** ln of the product of the block that runs, against the limit that it speaks least against. */
  get running(): number {
    return this.plain - this.#total;
  }

  /** ln of the product since a begun block, the first of which is 0. */
  since(block: number): number {
    return this.plain - (this.#before[block] ?? 0);
  }
}

function logMeanExp(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length);
}

/** What a block must be able to tell against each limit (2.6 in ln E where odds are half as large again), ln E at which it is given up, and how much more one limit may have against it than another: see `addEither`. */
const [ENOUGH, HOPELESS, MOST_AHEAD] = [32, 3, 3];

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

  constructor(times: readonly number[] = WORSE_RATIOS) {
    this.#times = times;
    this.#products = times.map(() => new RestartedProduct());
  }

  /**
   * `hits` of `trials` events whose share is at most `share` while nothing is wrong. Blocks without data do not count as begun: which block comes next is
   * known before its data, so the weights may follow the blocks that have some.
   */
  add(share: number, hits: number, trials: number, block: number): void {
    this.addEither([[share, hits, trials]], block);
  }

  /**
   * The same where there are several limits, one of which is kept while nothing is wrong, but not always the same: each block counts against the one that it speaks least against. Over all blocks together that would be another claim: a
   * candidate that is over the one before, and over the other later, was never over both. The smaller of two that tell next to nothing is mostly below 0 by chance, however bad the candidate is, so a block then lasts for several of those that are
   * given: until it could tell enough, by what came before the next one (a stopping time, so that the product stays a supermartingale). Within it what speaks against one limit only is not kept for later: less than an alarm takes.
   */
  addEither(counted: readonly Counts[], block: number): void {
    if (block > this.#block) {
      this.#block = block;
      if (this.#blocks === 0 || counted.length === 1 || this.#isOver) this.#start(counted.length);
    }
    for (const [limit, [share, hits, trials]] of counted.entries()) {
      const tells = share > 0 && share < 1;
      this.#told[limit] = (this.#told[limit] ?? 0) + (tells ? trials * share * (1 - share) : 0);
      for (const [index, product] of this.#products.entries()) product.add(limit, tells ? logLikelihoodRatio(share, this.#times[index] ?? 1, hits, trials) : 0);
    }
    if (counted.length > 1) for (const product of this.#products) product.level(MOST_AHEAD);
  }

  /** How many blocks have begun. */
  get blocks(): number {
    return this.#blocks;
  }

  #start(limits: number): void {
    this.#blocks += 1;
    this.#told = new Array<number>(limits).fill(0);
    for (const product of this.#products) product.start(this.#blocks);
  }

  /** Whether the block that runs tells enough against each limit, or so much for one that the next is better begun anew. */
  get #isOver(): boolean {
    return Math.min(...this.#told) >= ENOUGH || logMeanExp(this.#products.map(({ running }) => running)) <= -HOPELESS;
  }

  /** Which of the begun blocks, the first of which is 0, has most of the restarted E. */
  get strongest(): number {
    const parts = Array.from({ length: this.#blocks }, (_, block) => logMeanExp(this.#products.map((product) => product.since(block))) - Math.log((block + 1) * (block + 2)));
    return parts.reduce((best, log, block) => (log > (parts[best] ?? Number.NEGATIVE_INFINITY) ? block : best), 0);
  }

  get evidence(): Evidence {
    if (this.#blocks === 0) return { restarted: 0, plain: 0 };
    const begun = logMeanExp(this.#products.map(({ restarted }) => restarted));
    // Blocks that have not begun have E = 1 and together the weight that is left.
    const rest = -Math.log(this.#blocks + 1);
    const larger = Math.max(begun, rest);
    return { restarted: larger + Math.log(Math.exp(begun - larger) + Math.exp(rest - larger)), plain: logMeanExp(this.#products.map(({ plain }) => plain)) };
  }
}

const relativeTo = (ratio: number): Counted => (each) => [nullShare(ratio, each), each.candidateBad, each.bad];
const above = (rate: number): Counted => (each) => [rate, each.candidateBad, each.candidateCount];

/** ln E that a candidate was over all limits; intervals in the order of time. */
function evidenceOf(intervals: Iterable<CountInterval>, limits: readonly Counted[]): Evidence {
  const process = new EvidenceProcess();
  for (const each of intervals) process.addEither(limits.map((limit) => limit(each)), each.block);
  return process.evidence;
}

/** ln E that the candidate's rate is more than `ratio` times the current's; intervals in the order of time. */
export function evidenceWorse(intervals: Iterable<CountInterval>, ratio: number): Evidence {
  return evidenceOf(intervals, [relativeTo(ratio)]);
}

/** ln E that the candidate's own rate is more than `rate`: for baselines so small that ratios say nothing. */
export function evidenceAboveRate(intervals: Iterable<CountInterval>, rate: number): Evidence {
  return evidenceOf(intervals, [above(rate)]);
}

function guardLimits(ratio: number, minRate: number): readonly Counted[] {
  return minRate > 0 ? [relativeTo(ratio), above(minRate)] : [relativeTo(ratio)];
}

/**
 * ln E against "the candidate's rate is at most the larger of `ratio` times the current's and `minRate`": both have to be exceeded, and at the same time, so in each block the smaller of the two evidences counts. It is valid whichever of the
 * two limits holds in a block: by the evidence of all blocks a candidate with few bad events, but more than the current version, would be in breach as soon as both alike have many.
 */
export function guardEvidence(intervals: readonly CountInterval[], ratio: number, minRate = 0): Evidence {
  return evidenceOf(intervals, guardLimits(ratio, minRate));
}

/** Where the restart begins that has most of the restarted E. */
function strongestRestart(intervals: readonly CountInterval[], limits: readonly Counted[]): number {
  const [process, firsts] = [new EvidenceProcess(), [] as number[]];
  for (const [index, interval] of intervals.entries()) {
    process.addEither(limits.map((limit) => limit(interval)), interval.block);
    if (process.blocks > firsts.length) firsts.push(index);
  }
  return firsts[process.strongest] ?? 0;
}

/**
 * Since which interval the candidate has been so bad: where the restart begins that carries an alarm of `guardEvidence`. What came before hides it in the sum of all, so that after long health the ratio of all intervals may be within the margin.
 * @returns its index; 0 where all of them carry it
 */
export function worseSince(intervals: readonly CountInterval[], ratio: number, minRate = 0): number {
  return strongestRestart(intervals, guardLimits(ratio, minRate));
}

/** The same of an alarm of `evidenceAboveRate`. */
export function aboveRateSince(intervals: readonly CountInterval[], rate: number): number {
  return strongestRestart(intervals, [above(rate)]);
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
