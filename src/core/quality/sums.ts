/** A value more of a metric, or one less. */
export function addTo(sums: Float64Array, metric: number, value: number, times: 1 | -1 = 1): void {
  const place = 3 * metric;
  sums[place] = (sums[place] ?? 0) + times;
  sums[place + 1] = (sums[place + 1] ?? 0) + times * value;
  sums[place + 2] = leftOf((sums[place + 2] ?? 0) + times * value * value, value, times);
}

/** Up to this square sums of whole numbers are exact; above it, what is left must not be this much less than what was taken away. */
const [EXACT, LOST] = [2 ** 53, 2 ** 33];

/** A sum of squares after one was taken back; NaN where that has left nothing but rounding: variance and verdict would be of that. */
export function leftOf(rest: number, value: number, times: number): number {
  const square = value * value;
  return times < 0 && square > EXACT && !(square <= LOST * Math.abs(rest)) ? Number.NaN : rest;
}
