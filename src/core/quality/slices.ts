/** As many slices are counted of one source, whatever a record or a series holds. */
export const MOST_SLICES = 50;

const LONGEST = 60;

/** What a slice is called: `country = DE`, for the value DE of `by: [features.country]`. */
export function sliceName(by: string, value: number | string | boolean): string {
  return `${by.replace(/^features\./, '')} = ${String(value).slice(0, LONGEST)}`;
}
