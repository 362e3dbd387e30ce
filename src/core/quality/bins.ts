import { binOf } from './stats/driftMeasures.ts';

/** What stands where there is no number. */
export const NO_BIN = 255;
const SCORE_BINS = 200;
const PER_DECADE = 10;
/** Latency in milliseconds: 10 bins a decade from 0.1 ms to 1000 s, so quantiles are within 12 %. */
export const LATENCY_EDGES: readonly number[] = Array.from({ length: 71 }, (_, index) => 10 ** (index / PER_DECADE - 1));
export const SCORE_EDGES: readonly number[] = Array.from({ length: SCORE_BINS - 1 }, (_, index) => (index + 1) / SCORE_BINS);
/** Near 0 and 1, where the scores of a rare event lie: 40 bins a decade from 1e-8 on. */
const RANKED_TAIL = Array.from({ length: 240 }, (_, index) => 10 ** (index / 40 - 8)).filter((edge) => edge < (1 / SCORE_BINS) * (1 - Number.EPSILON));
/**
 * Scores of predictions with an outcome, in bins in which their order is kept: 200 of the same width, and more towards both ends. The first holds what is below 0, the last what is above 1: such are no probabilities.
 */
export const RANKED_EDGES: readonly number[] = [-Number.MIN_VALUE, ...RANKED_TAIL, ...SCORE_EDGES, ...RANKED_TAIL.map((edge) => 1 - edge).reverse(), 1];

/** The bin of a value near the one that arithmetic gives, whose rounding may be off: as `binOf` has it. */
function near(edges: readonly number[], value: number, guess: number): number {
  let bin = guess >= edges.length ? edges.length : guess > 0 ? guess : 0;
  while (bin > 0 && value <= (edges[bin - 1] ?? 0)) bin -= 1;
  while (bin < edges.length && value > (edges[bin] ?? 0)) bin += 1;
  return bin;
}

/** Numbers by their sign, exponent and first bits, of which there are so many. */
const FIRST_BITS = 14;
const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);
/** About where latencies that begin with these bits are, which takes less time than a logarithm of each. Where another word of a number comes first, it would only take more steps from there. */
const NEAR_LATENCIES = Uint8Array.from({ length: 2 ** FIRST_BITS }, (_, bits) => {
  words[1] = bits << (32 - FIRST_BITS);
  return Math.min(LATENCY_EDGES.length, Math.max(0, Math.ceil(PER_DECADE * (Math.log10(number[0] ?? 0) + 1)) || 0));
});

/** The bin of a latency in milliseconds. */
export function latencyBin(value: number): number {
  number[0] = value;
  return Number.isFinite(value) ? near(LATENCY_EDGES, value, NEAR_LATENCIES[(words[1] ?? 0) >>> (32 - FIRST_BITS)] ?? 0) : NO_BIN;
}

/** The bin of a score. */
export function scoreBin(value: number): number {
  return Number.isFinite(value) ? near(SCORE_EDGES, value, Math.ceil(SCORE_BINS * value) - 1) : NO_BIN;
}

/** The bin of a score among `RANKED_EDGES`. */
export function rankedBin(value: number): number {
  return binOf(RANKED_EDGES, value);
}
