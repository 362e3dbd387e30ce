import { plainLine } from '../base/words.ts';
import { versionWords, type Pin } from '../flags/titles.ts';
import { replaced } from '../quality/recentHours.ts';
import type { LoggedVersion, QualityData } from '../quality/window.ts';
import type { EvidenceStart } from './allocation.ts';
import type { ReleaseLook } from './assessment.ts';
import { newestData } from './dataAge.ts';

function versionsOf(data: QualityData | undefined, environment: string, arm: string): LoggedVersion[] {
  return (data?.arms ?? []).filter((each) => each.environment === environment && each.arm === arm).flatMap(({ versions }) => versions ?? []).toSorted((a, b) => a.first - b.first);
}

/** When a version of the candidate answered last that another one has replaced, in milliseconds since 1970. */
function replacedUntil(versions: readonly LoggedVersion[]): number[] {
  const gone = replaced(versions);
  return versions.flatMap(({ version, last }) => (gone.has(version) ? [last + 1] : []));
}

/**
 * Evidence about one version is none about another: it starts anew when an arm is answered by a version that was not seen before beside another one that answered since, and for the candidate when another version has answered last, for one
 * that comes back (15, then 14, then 15 again) was seen before. Of what answers as current older versions may have a part for ever, such as in a nightly job, and evidence would never last.
 */
export function loggedSince(start: EvidenceStart, data: QualityData | undefined, environment: string): EvidenceStart {
  const { at = Number.NEGATIVE_INFINITY } = start;
  const changes = ['candidate', 'current'].flatMap((arm) => {
    // What answered in earlier releases only is not what this one began with.
    const versions = versionsOf(data, environment, arm).filter(({ last }) => last >= at);
    const first = versions.at(-1)?.first;
    return new Set(versions.map(({ version }) => version)).size < 2 || first === undefined ? [] : [first];
  });
  const candidates = versionsOf(data, environment, 'candidate');
  // Those that are version numbers, for services may name one and the same version by words of their own.
  const latest = Math.max(Number.NEGATIVE_INFINITY, ...changes, ...replacedUntil(candidates.filter(({ version }) => NUMBERED.test(version))));
  return latest > at ? { at: latest, because: 'versions' } : afterEarlier(start, candidates);
}

/** What a version answered that has been followed by another one is evidence about something else, whoever was given it. */
function afterEarlier(start: EvidenceStart, versions: readonly LoggedVersion[]): EvidenceStart {
  const { at = Number.NEGATIVE_INFINITY, counted, alone = Number.NEGATIVE_INFINITY, because } = start;
  const newest = versions.toSorted((a, b) => b.last - a.last)[0]?.version;
  const until = Math.max(alone, ...versions.flatMap(({ version, last }) => (version !== newest && last < at ? [last + 1] : [])));
  if (because !== 'exposure' || until === alone) return start;
  return { at, because, alone: until, ...(counted !== undefined && until <= counted ? { counted } : {}) };
}

const NUMBERED = /^v?\d[\w.-]*$/;

/** A version that answers is not the one that was pinned: nobody looked at it. Told only where both are version numbers; of the candidate also where it answers beside the pinned one. */
export function loggedObstacle({ quality }: ReleaseLook, environment: string, pin: Pin | undefined, since: number | undefined): { readonly words: string }[] {
  const data = newestData(quality);
  if (pin === undefined || data === undefined) return [];
  return ([['candidate', pin.candidate], ['current', pin.current]] as const).flatMap(([arm, pinned]) => {
    const versions = versionsOf(data, environment, arm).toSorted((a, b) => b.last - a.last);
    const isOther = ({ version, last }: LoggedVersion): boolean => last >= (since ?? 0) && NUMBERED.test(version) && NUMBERED.test(pinned) && versionWords(version.replace(/^v/, '')) !== pinned;
    const [newest, ...others] = versions;
    const gone = replaced(versions);
    const beside = arm === 'candidate' ? others.find((each) => isOther(each) && !gone.has(each.version)) : undefined;
    const found = newest !== undefined && isOther(newest) ? newest : beside;
    if (found === undefined) return [];
    return [{ words: `${plainLine(arm, 40)} is answered by ${plainLine(versionWords(found.version), 40)}${found === newest ? '' : ', too'}, the release pinned ${pinned}` }];
  });
}
