/** What stands where there is no number. */
export const NO_BIN = 255;
const SCORE_BINS = 200;
const PER_DECADE = 10;
/** Latency in milliseconds: 10 bins a decade from 0.1 ms to 1000 s, so quantiles are within 12 %. */
export const LATENCY_EDGES: readonly number[] = Array.from({ length: 71 }, (_, index) => 10 ** (index / PER_DECADE - 1));
export const SCORE_EDGES: readonly number[] = Array.from({ length: SCORE_BINS - 1 }, (_, index) => (index + 1) / SCORE_BINS);

/** The bin of a value near the one that arithmetic gives, whose rounding may be off: as `binOf` has it. */
function near(edges: readonly number[], value: number, guess: number): number {
  let bin = guess >= edges.length ? edges.length : guess > 0 ? guess : 0;
  while (bin > 0 && value <= (edges[bin - 1] ?? 0)) bin -= 1;
  while (bin < edges.length && value > (edges[bin] ?? 0)) bin += 1;
  return bin;
}

/** The bin of a latency in milliseconds. */
export function latencyBin(value: number): number {
  return Number.isFinite(value) ? near(LATENCY_EDGES, value, Math.ceil(PER_DECADE * (Math.log10(value) + 1))) : NO_BIN;
}

/** The bin of a score. */
export function scoreBin(value: number): number {
  return Number.isFinite(value) ? near(SCORE_EDGES, value, Math.ceil(SCORE_BINS * value) - 1) : NO_BIN;
}
