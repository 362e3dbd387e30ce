import { plainLine } from '../base/words.ts';

const MOST_NAMED = 20;
/** How many are told. */
const TOLD = 3;
/** Of all that are not named. */
const REST = '';

/** Counts a record of a flag that is not asked for; of many flags the first ones by their names. */
export function countFlag(counts: Map<string, number>, flag: string, count = 1): void {
  const name = counts.has(flag) || counts.size < MOST_NAMED ? flag : REST;
  counts.set(name, (counts.get(name) ?? 0) + count);
}

/** What of a name is seldom written otherwise by mistake. */
function coreOf(flag: string): string {
  return flag.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/**
 * What is said of predictions of other flags: a log may be that of several models, so only where there are none of the model's own, or where a name looks like one of its flags that is written otherwise.
 * `flags`: those that are asked for.
 */
export function otherFlagsMessages(counts: ReadonlyMap<string, number>, flags: readonly string[], hasOwn: boolean): readonly string[] {
  const known = new Set(flags.map(coreOf));
  const told = [...counts].filter(([name]) => !hasOwn || (name !== REST && known.has(coreOf(name)))).sort(([, a], [, b]) => b - a);
  if (told.length === 0) return [];
  const names = told.filter(([name]) => name !== REST).map(([name]) => plainLine(name, 60));
  const total = told.reduce((sum, [, count]) => sum + count, 0);
  const listed = `${names.slice(0, TOLD).join(', ')}${told.length > TOLD ? ', ...' : ''}`;
  return [`${total.toLocaleString('en')} ${total === 1 ? 'record' : 'records'} of other flags (${listed}) ${total === 1 ? 'is' : 'are'} left out: in modelswitch.yaml the model has ${flags.length === 0 ? 'no flag' : flags.join(', ')}.`];
}
