const DAY = 86_400;
const MINUTE = 60;

/** Times along an axis as tables have them, in UTC: `10:05`, with the date below where it is another than that before. `step`: the distance of two, as all in seconds. */
export function timeLabels(seconds: readonly number[], step: number): string[] {
  let shown = '';
  return seconds.map((at) => {
    const text = new Date(Math.round(1000 * at)).toISOString();
    const date = text.slice(0, 10);
    if (step >= DAY) return date;
    const time = text.slice(11, step >= MINUTE ? 16 : step >= 1 ? 19 : 23);
    if (date === shown) return time;
    shown = date;
    return `${time}\n${date}`;
  });
}
