import { plainLine } from '../../core/base/words.ts';
import type { Counter, Growth } from './growth.ts';

/** A process that counts all and no good events, while others of its arm count both. */
export interface Unbounded {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** What tells histograms apart. */
function placeOf({ labels }: Counter): string {
  return JSON.stringify(Object.entries(labels).filter(([name]) => name !== '__name__' && name !== 'le').sort());
}

/**
 * The processes of which `good`, a bucket of a histogram, has no series: a release has other boundaries, and all of their answers would be bad. Of other counters none is such a process: a series that is made by its first event is
 * missing where all failed.
 */
export function unbounded(total: Growth | undefined, good: Growth | undefined): readonly Unbounded[] {
  const buckets = good?.counters ?? [];
  if (total === undefined || buckets.length === 0 || buckets.some(({ labels }) => labels['le'] === undefined)) return [];
  const known = new Set(buckets.map(placeOf));
  const lacking = total.counters.filter((each) => !known.has(placeOf(each)));
  // Where no two fit together, total is no part of the histogram.
  if (lacking.length === total.counters.length) return [];
  return lacking.filter(({ values: [first, last] }) => last !== first).map(({ labels, first, last }) => ({ name: labels['instance'] ?? labels['pod'] ?? placeOf({ labels, first, last, values: [0, 0] }), first, last }));
}

/** Whether one of them may have counted in a window. */
export function ranDuring(processes: readonly Unbounded[], start: number, end: number): boolean {
  // A sample at the start of a window is of the one before.
  return processes.some(({ first, last }) => first <= end && last > start);
}

export function unboundedWords(processes: readonly Unbounded[], metric: string, arm: string): string {
  const names = processes.slice(0, 3).map(({ name }) => plainLine(name, 60)).join(', ');
  return `Prometheus: ${processes.length} of the series of the total of ${plainLine(metric, 60)} (${arm}; ${names}${processes.length > 3 ? ', ...' : ''}) have no such bucket as good asks for: windows in which they counted are left out. Let all processes of an arm have the same boundaries.`;
}
