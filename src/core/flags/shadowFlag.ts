import { plainLine } from '../base/words.ts';
import type { CreateWish } from './createFlag.ts';

/** The flag that samples for the shadow of another has its name with this behind it. */
const SHADOW_SUFFIX = '.shadow';

/** The flag that samples the requests for which the candidate is asked in the shadow; of a shadow's flag itself. */
export function shadowFlagOf(flag: string): string {
  return flag.endsWith(SHADOW_SUFFIX) ? flag : `${flag}${SHADOW_SUFFIX}`;
}

/** How it is made: requests are sampled, not users, and nobody is served another answer by it. */
export function shadowWish(flag: string): CreateWish {
  return { stickiness: 'random', description: `Samples requests for the shadow of ${plainLine(flag.endsWith(SHADOW_SUFFIX) ? flag.slice(0, -SHADOW_SUFFIX.length) : flag)}` };
}
