import type { CallSite } from '../callsites/model.ts';
import type { FlagSite } from './model.ts';

/**
 * What the index of call sites says, as finishing a release wants it: the calls in a file that ask for the flag, or may. A call in a
 * wrapper whose key its callers choose is none of them: its callers are. `fileOf` gives the name of the file that the index knows by a path.
 */
export function flagSites(file: string, sites: readonly CallSite[], flag: string, fileOf: (path: string) => string): readonly FlagSite[] {
  return sites.flatMap(({ range, api, key, keys, via, through, upToCallers }) => {
    const values = keys.map(({ value }) => value);
    if (key.kind === 'dynamic' ? upToCallers : !values.includes(flag)) return [];
    const wrappers = through?.map((step) => ({ file: fileOf(step.path), definition: step.range, inner: step.inner }));
    return [{ file, range, api, keys: values, via, ...(key.kind === 'dynamic' ? { reason: key.reason } : {}), ...(wrappers ? { wrappers } : {}) }];
  });
}
