import type { QualityData, QualityWindow } from './window.ts';

/** Up to when records of an arm have been told, in milliseconds since 1970: not less than `least`, not more than `most`. Of a log both are the time of the newest record. */
export interface Told {
  readonly least: number;
  readonly most: number;
}

export const NOTHING_TOLD: Told = { least: Number.NEGATIVE_INFINITY, most: Number.NEGATIVE_INFINITY };

/** Records that answer what exposure counters count. */
export function answersIn({ served, requests }: Pick<QualityWindow, 'served' | 'requests'>): number {
  return served ?? requests;
}

/**
 * Up to when an arm's records have been told. A window ends when its time is over, not when its last record was: a source of windows may have read a part of the newest one only.
 *
 * @param isPart whether `data` has windows of a part of the services only
 */
export function toldOf({ windows, arms, designEffect }: Pick<QualityData, 'windows' | 'arms' | 'designEffect'>, environment: string, name: string, isPart = false): Told {
  const lastSeen = Math.max(0, ...arms.filter((each) => each.arm === name && each.environment === environment).map((each) => each.lastSeen));
  if (lastSeen === 0) return NOTHING_TOLD;
  if (designEffect === undefined && !isPart) return { least: lastSeen, most: lastSeen };
  const last = windows.findLast((each) => each.arm === name && each.environment === environment && each.slice === undefined && answersIn(each) > 0);
  if (last === undefined) return NOTHING_TOLD;
  const most = Math.min(last.newest ?? last.end, lastSeen);
  return { least: designEffect === undefined && last.newest !== undefined ? most : Math.min(last.start, lastSeen), most };
}
