import { plainLine } from '../base/words.ts';

const COMPARED: readonly string[] = ['candidate', 'current'];
const MOST_NAMED = 5;

/** How arms get the names that are compared. */
export const NAME_ARMS = 'name the arms candidate and current, or map them as switches: [{flag: ..., variants: {treatment: candidate, control: current}}]';

/** Arms that are neither compared nor variants that stand for one of them, in words; `missing`: those that should be there and are not. */
export interface OtherArms {
  readonly words: string;
  readonly missing: readonly string[];
}

/** What of some arms is not compared; undefined: all are. */
export function otherArms(arms: Iterable<string>): OtherArms | undefined {
  const names = new Set(arms);
  const others = [...names].filter((arm) => !COMPARED.includes(arm)).sort();
  if (others.length === 0) return undefined;
  const listed = others.slice(0, MOST_NAMED).map((arm) => JSON.stringify(plainLine(arm, 40))).join(', ');
  return { words: `${listed}${others.length > MOST_NAMED ? `, ... (${others.length} arms)` : ''}, neither candidate nor current, nor variants of which switches: says what serves`, missing: COMPARED.filter((arm) => !names.has(arm)) };
}

/** What is said of the records of such arms, where an arm that is compared has none. */
export function otherArmsMessages(arms: Iterable<string>): readonly string[] {
  const found = otherArms(arms);
  if (found === undefined) return [];
  if (found.missing.length === 0) return nearMessages(new Set(arms));
  return [`There is no record of ${found.missing.join(' or ')}, but records of ${found.words}: they are not compared. Let the service ${NAME_ARMS}.`];
}

/** Of arms that are called almost as one that is compared; others may be variants. */
function nearMessages(arms: ReadonlySet<string>): readonly string[] {
  const near = [...arms].filter((arm) => !COMPARED.includes(arm) && COMPARED.includes(arm.trim().toLowerCase())).map((arm) => plainLine(JSON.stringify(arm), 40));
  return near.length === 0 ? [] : [`Records of ${near.join(', ')} are not compared: an arm is called candidate or current, in small letters and without blanks.`];
}
