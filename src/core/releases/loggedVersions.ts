import { plainLine } from '../base/words.ts';
import { versionWords, type Pin } from '../flags/titles.ts';
import type { LoggedVersion, QualityData } from '../quality/window.ts';
import type { EvidenceStart } from './allocation.ts';
import type { ReleaseLook } from './assessment.ts';
import { newestData } from './dataAge.ts';

function versionsOf(data: QualityData | undefined, environment: string, arm: string): LoggedVersion[] {
  return (data?.arms ?? []).filter((each) => each.environment === environment && each.arm === arm).flatMap(({ versions }) => versions ?? []).toSorted((a, b) => a.first - b.first);
}

/** Evidence about one version is none about another: it starts anew when an arm is answered by a version that was not seen before. */
export function loggedSince(start: EvidenceStart, data: QualityData | undefined, environment: string): EvidenceStart {
  const changes = ['candidate', 'current'].flatMap((arm) => {
    const versions = versionsOf(data, environment, arm);
    const first = versions.at(-1)?.first;
    return new Set(versions.map(({ version }) => version)).size < 2 || first === undefined ? [] : [first];
  });
  const latest = Math.max(Number.NEGATIVE_INFINITY, ...changes);
  return latest > (start.at ?? Number.NEGATIVE_INFINITY) ? { at: latest, because: 'versions' } : start;
}

const NUMBERED = /^v?\d[\w.-]*$/;

/** The version that answers is not the one that was pinned: nobody looked at it. Told only where both are version numbers. */
export function loggedObstacle({ quality }: ReleaseLook, environment: string, pin: Pin | undefined, since: number | undefined): { readonly words: string }[] {
  const data = newestData(quality);
  if (pin === undefined || data === undefined) return [];
  return ([['candidate', pin.candidate], ['current', pin.current]] as const).flatMap(([arm, pinned]) => {
    const last = versionsOf(data, environment, arm).toSorted((a, b) => b.last - a.last)[0];
    if (last === undefined || last.last < (since ?? 0) || !NUMBERED.test(last.version) || !NUMBERED.test(pinned) || versionWords(last.version.replace(/^v/, '')) === pinned) return [];
    return [{ words: `${plainLine(arm, 40)} is answered by ${plainLine(versionWords(last.version), 40)}, the release pinned ${pinned}` }];
  });
}
