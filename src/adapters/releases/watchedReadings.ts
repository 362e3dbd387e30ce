import { refetchAfter, unseen } from '../../core/flags/eventChanges.ts';
import type { FlagReading } from '../../core/flags/planning.ts';
import type { ChangeRunner } from '../../core/flags/changeRunner.ts';
import type { ArmSummary } from '../../core/quality/window.ts';
import type { ExposureCount } from '../../core/releases/findings.ts';
import type { UnleashClient } from '../unleash/unleashClient.ts';

/** Counters come to Unleash once a minute from each application, and are told by the hour: what they say of silence is little more at each look of a watch that looks every minute. */
export const COUNTERS_EVERY_LOOKS = 5;
const COUNTERS_MS = 5 * 60_000;
/** The log is asked for so many events; when all are new, everything is read anew. */
const POLLED_EVENTS = 100;
const NO_NEWS_MS = 3_600_000;

type Port = Pick<UnleashClient, 'pollEvents' | 'pollSegments' | 'readExposures'>;

interface Counters {
  readonly look: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly counts: readonly ExposureCount[];
}

/**
 * What a guard that goes on looking need not ask Unleash again: between two looks most flags are as they were, and two conditional requests, for the log and for the segments, tell
 * which are not. Whatever they cannot tell is read anew, and every change is computed from a reading of its own. Forgetting all of it changes nothing but the number of requests.
 */
export class WatchedReadings {
  readonly #port: Port;
  readonly #runner: Pick<ChangeRunner, 'read'>;
  readonly #project: string;
  readonly #now: () => number;
  readonly #readings = new Map<string, FlagReading>();
  readonly #counters = new Map<string, Counters>();
  /** When each arm of a flag was last heard of. */
  readonly #heard = new Map<string, ReadonlyMap<string, number>>();
  readonly #quiet = new Set<string>();
  #looks = 0;
  #isKnown = false;
  #log: { readonly newest: number; readonly seen: ReadonlySet<number>; readonly etag: string | undefined } | undefined;
  #segmentsEtag: string | undefined;

  constructor(port: Port, runner: Pick<ChangeRunner, 'read'>, project: string, now: () => number = Date.now) {
    [this.#port, this.#runner, this.#project, this.#now] = [port, runner, project, now];
  }

  /** Before each round of looks: forgets the flags that somebody has changed. A server that does not answer ends nothing here; then all is read anew. */
  async begin(signal?: AbortSignal): Promise<void> {
    this.#looks += 1;
    this.#isKnown = await this.#forgetChanged(signal).then(() => true, () => false);
    if (this.#isKnown) return;
    this.#readings.clear();
    [this.#log, this.#segmentsEtag] = [undefined, undefined];
  }

  async #forgetChanged(signal: AbortSignal | undefined): Promise<void> {
    // The log first: what happens after it was read is still new to the next round.
    const log = await this.#port.pollEvents(POLLED_EVENTS, this.#log?.etag, signal);
    const segments = await this.#port.pollSegments(this.#segmentsEtag, signal);
    if (segments.changed) {
      this.#segmentsEtag = segments.etag;
      this.#readings.clear();
    }
    if (!log.changed) return;
    const { events } = log.page;
    const before = this.#log;
    const newest = Math.max(0, ...events.map(({ id }) => id));
    const later = before === undefined ? events : events.filter(unseen(before.seen, before.newest));
    this.#log = { newest, seen: new Set(events.map(({ id }) => id)), etag: log.etag };
    // A log that does not reach back to the last look, or that has begun anew, tells nothing about what was read before.
    if (before === undefined || newest < before.newest || (later.length > 0 && later.length === events.length)) {
      this.#readings.clear();
      return;
    }
    const { all, flags, archived, segments: edited } = refetchAfter(later, this.#project);
    if (all || edited) this.#readings.clear();
    const changed = new Set([...flags, ...archived]);
    for (const [flag, { family, detail }] of this.#readings) {
      const relatives = [...family?.parents ?? [], ...family?.children ?? []].map((each) => each.flag);
      const isRelated = family === undefined || relatives.some((each) => changed.has(each)) || detail.flag.dependencies.some(({ feature }) => changed.has(feature));
      if (changed.has(flag) || (changed.size > 0 && isRelated)) this.#readings.delete(flag);
    }
  }

  /** @throws AppError what the server throws */
  async read(flag: string, signal?: AbortSignal): Promise<FlagReading> {
    const known = this.#readings.get(flag);
    if (known !== undefined) return known;
    const reading = await this.#runner.read(this.#project, flag, signal);
    if (this.#isKnown) this.#readings.set(flag, reading);
    return reading;
  }

  /**
   * What a source of observations told of a flag's arms. One of which nothing came since the last look may have fallen silent, and so may all: then the counters are read at
   * once. One that had gone an hour before, while others were heard of, is no news.
   */
  heard(flag: string, arms: readonly Pick<ArmSummary, 'environment' | 'arm' | 'lastSeen'>[]): void {
    const before = this.#heard.get(flag);
    const now = new Map(arms.map(({ environment, arm, lastSeen }) => [JSON.stringify([environment, arm]), lastSeen]));
    const newest = Math.max(0, ...now.values());
    const moved = [...now].filter(([arm, lastSeen]) => lastSeen > (before?.get(arm) ?? 0));
    const stuck = [...now].filter(([arm, lastSeen]) => lastSeen <= (before?.get(arm) ?? 0) && lastSeen > newest - NO_NEWS_MS);
    this.#heard.set(flag, now);
    if (moved.length === 0 || stuck.length > 0) this.#quiet.add(flag);
    else this.#quiet.delete(flag);
  }

  /** Counters of the last rounds, or new ones where they are due or an arm is quiet. @throws AppError what the server throws */
  async exposures(flag: string, signal?: AbortSignal): Promise<readonly ExposureCount[]> {
    const known = this.#counters.get(flag);
    if (known !== undefined && !this.#quiet.has(flag) && this.#looks - known.look < COUNTERS_EVERY_LOOKS && this.#now() - known.at < COUNTERS_MS) return known.counts;
    const counts = await this.#port.readExposures(flag, signal);
    // At first they are taken to be of different age, so that not all of them are due at the same look.
    const look = known === undefined ? this.#looks - this.#counters.size % COUNTERS_EVERY_LOOKS : this.#looks;
    this.#counters.set(flag, { look, at: this.#now(), counts });
    return counts;
  }
}
