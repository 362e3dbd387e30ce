import { plainLine } from '../base/words.ts';
import { pinnedVersion, versionWords } from '../flags/titles.ts';
import type { QualityData } from '../quality/window.ts';

/** Whether a service answers with the version that it should, by what it logs. */
export interface Answering {
  readonly state: 'verified' | 'not yet';
  /** `production answers with v13 (newest 14:03:22); v14 last answered 14:02:58`; times are UTC. */
  readonly words: string;
}

/** How long the other version must have been silent, by the times of the records, while the wanted one answers. */
export const QUIET_MS = 10_000;

/**
 * Which of two versions answers in an environment, whatever arm it is logged under: after a completion both arms may be the same version, so only what was logged tells.
 * @param since only records after it count, in milliseconds since 1970
 */
export function answeringVersion(data: QualityData | undefined, environment: string, wanted: string, unwanted: string, since: number): Answering {
  const logged = (data?.arms ?? []).filter((arm) => arm.environment === environment).flatMap(({ versions }) => versions ?? []);
  const last = (version: string): number => Math.max(0, ...logged.filter((each) => pinnedVersion(each.version.replace(/^v(?=\d)/, '')) === pinnedVersion(version)).map((each) => each.last));
  const [good, bad] = [last(wanted), last(unwanted)];
  const where = plainLine(environment, 40);
  const time = (at: number): string => new Date(at).toISOString().slice(11, 19);
  const other = bad === 0 ? '' : `; ${plainLine(versionWords(unwanted), 40)} last answered ${time(bad)}`;
  if (good > since && good - bad >= QUIET_MS) return { state: 'verified', words: `${where} answers with ${plainLine(versionWords(wanted), 40)} (newest ${time(good)})${other}` };
  if (good > since) return { state: 'not yet', words: `${where} answers with ${plainLine(versionWords(wanted), 40)} (newest ${time(good)})${other}` };
  return { state: 'not yet', words: `${where} has logged no answer of ${plainLine(versionWords(wanted), 40)} since then${other}` };
}

export interface AnsweringPorts {
  readonly readQuality: (signal?: AbortSignal) => Promise<QualityData>;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Milliseconds since 1970, by the clock of whoever writes the log. */
  readonly now: () => number;
}

const LOOK_EVERY_MS = 2000;

/** Looks at the log again and again until the version answers or the time is over. A source that fails is as one that tells nothing. @throws AppError cancelled */
export async function awaitVersion({ readQuality, sleep, now }: AnsweringPorts, environment: string, wanted: string, unwanted: string, waitMs: number, signal?: AbortSignal): Promise<Answering> {
  const since = now();
  for (;;) {
    const data = await readQuality(signal).catch(() => undefined);
    const found = answeringVersion(data, environment, wanted, unwanted, since);
    if (found.state === 'verified' || now() - since >= waitMs) return found;
    await sleep(LOOK_EVERY_MS, signal);
  }
}
