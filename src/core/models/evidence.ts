import type { Facts } from './model.ts';

/** Keys of tags that Modelswitch writes to versions, or that training sets for it to read, begin with this. */
export const TAG_PREFIX = 'modelswitch.';

/** The tags that are for Modelswitch. */
export function modelswitchTags(tags: Facts): Facts {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith(TAG_PREFIX)));
}
