import { ageWords, countWords, plainLine } from '../base/words.ts';
import { otherArms } from '../quality/otherArms.ts';
import { ARMS } from '../quality/refusals.ts';
import type { QualityData } from '../quality/window.ts';
import type { GuardSettings } from '../workspace/guard.ts';
import type { EvidenceStart } from './allocation.ts';
import type { QualityLook, ReleaseLook } from './assessment.ts';

/** How old the newest observation is. */
export interface DataAge {
  readonly state: 'fresh' | 'old' | 'missing' | 'failed' | 'not set up';
  /** Milliseconds since 1970. */
  readonly lastSeen?: number;
  /** `data 4 min ago`. */
  readonly words: string;
}

/** The newest that a source told: now, or where it did not answer, before. */
export function newestData(quality: QualityLook): QualityData | undefined {
  return quality.kind === 'data' ? quality.data : quality.kind === 'failed' ? quality.last : undefined;
}

/** So many milliseconds later than the other's an arm's records may be told, by itself, before it is taken to be silent. */
export function lateAfter({ blindAfter }: GuardSettings): number {
  return blindAfter / 3;
}

/** `blind`: why there is nothing fresh enough to judge by; `unread`: why what there is, though fresh enough, is not the newest. What is logged under names of other arms says nothing of those that are judged. */
export function dataAge(quality: QualityLook, data: QualityData | undefined, environment: string, now: number, since: EvidenceStart, { blindAfter }: GuardSettings): DataAge & { readonly blind?: string; readonly unread?: string } {
  const logged = (data?.arms ?? []).filter((arm) => arm.environment === environment);
  const lastSeen = Math.max(0, ...logged.filter(({ arm }) => ARMS.includes(arm)).map((arm) => arm.lastSeen));
  const others = otherArms(logged.filter((arm) => arm.lastSeen > lastSeen).map(({ arm }) => arm));
  const beside = others === undefined ? '' : `, but newer records of ${others.words}`;
  const seen = lastSeen === 0 ? {} : { lastSeen };
  const age = now - lastSeen;
  if (quality.kind === 'failed') {
    const words = `the source cannot be read: ${plainLine(quality.because, 200).replace(/\.$/, '')}`;
    return { state: 'failed', ...seen, words, ...(lastSeen === 0 || age > blindAfter ? { blind: words } : { unread: words }) };
  }
  if (lastSeen === 0) {
    const waits = since.at === undefined ? Number.POSITIVE_INFINITY : now - since.at;
    const words = `no prediction of ${plainLine(environment, 40)} was logged${beside}`;
    return { state: 'missing', words, ...(waits > blindAfter ? { blind: words } : {}) };
  }
  const words = `data ${ageWords(age)}`;
  return age > blindAfter ? { state: 'old', lastSeen, words, blind: `the newest prediction of ${plainLine(environment, 40)} was logged ${ageWords(age)}${beside}` } : { state: 'fresh', lastSeen, words };
}

/** Whether somebody was sent to the models while nothing was logged. */
export function countersWords({ exposures, now }: Pick<ReleaseLook, 'exposures' | 'now'>, environment: string): string {
  if (exposures === undefined) return '';
  const recent = exposures.filter((each) => each.environment === environment && each.end > now - 3_600_000);
  const asked = recent.reduce((sum, { yes, no }) => sum + yes + no, 0);
  return asked === 0 ? '; Unleash counts no request either' : `; Unleash counts ${countWords(asked)} requests`;
}
