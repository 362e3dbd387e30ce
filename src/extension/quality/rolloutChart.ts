import type { Allocation } from '../../core/releases/allocation.ts';
import { countWords } from '../../core/base/words.ts';
import { percent } from '../../core/quality/reportText.ts';
import type { QualityWindow } from '../../core/quality/window.ts';
import type { Chart, Series } from '../../shared/dashboard.ts';
import { known, overTime, shortTime, type TimeAxis } from './dashboardCharts.ts';

/** So many shares of one point are named one by one. */
const MOST_NAMED = 4;

type Given = readonly Allocation[];

/** Those that held at some time from start up to end. */
function during(given: Given, start: number, end: number): Given {
  return given.filter(({ from, to }) => (from ?? Number.NEGATIVE_INFINITY) < end && (to ?? Number.POSITIVE_INFINITY) > start);
}

/** `5 % -> 50 % -> 5 %`: every share that was configured meanwhile, however short. */
function configuredWords(given: Given): string {
  const words = given.map(({ share }) => (share === undefined ? '-' : percent(share)));
  if (words.length <= MOST_NAMED) return words.length === 0 ? '-' : words.join(' -> ');
  const shares = given.flatMap(({ share }) => (share === undefined ? [] : [share]));
  return `${words[0]} -> ... -> ${words.at(-1)} (${words.length - 1} changes, ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))})`;
}

/** From when until when what was configured is drawn: while there are records, and as long before and after them, but not before the first change of that time nor after now. */
function span(given: Given, { starts, ends }: TimeAxis, now: number): readonly [number, number] {
  const [first, last] = [starts[0] ?? now, ends.at(-1) ?? now];
  const begin = given.map(({ from }) => from ?? Number.NEGATIVE_INFINITY).find((from) => from >= first - (last - first) && from < first) ?? first;
  return [begin, Math.max(last, Math.min(now, last + (last - first)))];
}

/** What was configured, by its own steps: as points of windows, what held for less than one of them would be missed. */
function configuredSeries(given: Given, [begin, end]: readonly [number, number]): Series {
  const held = during(given, begin, end);
  const steps = held.map(({ from, share }) => [Math.max(begin, from ?? begin), share ?? null] as const);
  const all = [...(held[0]?.from !== undefined && held[0].from > begin ? [[begin, null] as const] : []), ...steps, ...(steps.length === 0 ? [] : [[end, steps.at(-1)?.[1] ?? null] as const])];
  return { label: 'configured', arm: 'other', x: all.map(([at]) => at / 1000), values: all.map(([, share]) => share) };
}

/** The candidate's share: what the event log says was configured, beside what the records show. Without an interval: requests of a unit all go to one arm, and how many units a point is of is not known; the sample ratio checks the split. */
export function rolloutChart(given: Given | undefined, windows: readonly QualityWindow[], axis: TimeAxis, now: number): Chart {
  const { starts, ends } = axis;
  const counts = starts.map((): [number, number] => [0, 0]);
  for (const { arm, start, requests } of windows) {
    const pair = counts[axis.indexOf(start)];
    if (pair !== undefined && (arm === 'candidate' || arm === 'current')) pair[arm === 'candidate' ? 0 : 1] += requests;
  }
  const totals = counts.map(([own, other]) => own + other);
  const observed = counts.map(([own], at) => known(own / (totals[at] ?? 0)));
  const [begin, end] = span(given ?? [], axis, now);
  // A change where there are no records has a line of its own.
  const alone = (given ?? []).filter(({ from = Number.NEGATIVE_INFINITY }) => from >= begin && from < end && !starts.some((start, at) => start <= from && from < (ends[at] ?? start)));
  const lines = [
    ...starts.map((start, at) => ({ start, configured: configuredWords(during(given ?? [], start, ends[at] ?? start)), observed: observed[at], n: totals[at] ?? 0 })),
    ...alone.map((each) => ({ start: each.from ?? begin, configured: configuredWords([each]), observed: null, n: 0 })),
  ].sort((a, b) => b.start - a.start);
  const { x, series } = overTime(axis, [{ label: 'observed', arm: 'candidate', values: observed, n: totals }]);
  return {
    id: 'rollout', title: 'Rollout: the candidate\'s share', kind: 'time', unit: 'share', x,
    series: [...(given === undefined || starts.length === 0 ? [] : [configuredSeries(given, [begin, end])]), ...series],
    table: {
      title: 'The candidate\'s share of predictions over time, newest first', columns: ['from (UTC)', 'configured', 'observed', 'n'],
      rows: lines.map(({ start, configured, observed: share, n }) => [shortTime(start), configured, typeof share === 'number' ? percent(share) : '-', countWords(n)]),
    },
  };
}
