import { plainLine } from '../base/words.ts';
import type { Facts } from './model.ts';

/** Keys of tags that Modelswitch writes to versions, or that training sets for it to read, begin with this. */
export const TAG_PREFIX = 'modelswitch.';

/** What a version needs, and what its files are: facts, not evidence of anything. */
const NO_EVIDENCE = /^modelswitch\.(needs|artifact)\./;
const MOST_BADGES = 3;

/** The tags that are for Modelswitch. */
export function modelswitchTags(tags: Facts): Facts {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith(TAG_PREFIX)));
}

/** What was found out about a version, from its tags, by name: `{'suite.fraud': 'pass'}`. */
export function evidenceOf(tags: Facts): Facts {
  const found = Object.entries(modelswitchTags(tags)).filter(([key]) => !NO_EVIDENCE.test(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(found.map(([key, value]): [string, string] => [key.slice(TAG_PREFIX.length), value]));
}

/** The same in a few words each: `suite.fraud pass`; what is beyond three is counted. */
export function evidenceBadges(tags: Facts): string[] {
  const badges = Object.entries(evidenceOf(tags)).map(([name, value]) => plainLine(`${name} ${value}`, 40));
  return badges.length > MOST_BADGES ? [...badges.slice(0, MOST_BADGES), `${badges.length - MOST_BADGES} more`] : badges;
}
