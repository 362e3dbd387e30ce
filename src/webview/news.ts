import type { DashboardModel } from '../shared/dashboard.ts';

type Told = Pick<DashboardModel, 'environment' | 'failure' | 'alarms' | 'verdicts'>;
type Alarm = DashboardModel['alarms'][number];

/** So many alarms that come at once are said; of others how many they are. */
const MOST = 3;

/** What stands above the tabs: why the last reading failed, and alarms. */
export function alarmsOf({ failure, alarms }: Pick<Told, 'failure' | 'alarms'>): readonly Alarm[] {
  return [...(failure === undefined ? [] : [{ about: 'reading', words: `Shown is what was read before. ${failure}` }]), ...alarms];
}

function alarmWords(alarms: readonly Alarm[]): string[] {
  if (alarms.length === 0) return [];
  const left = alarms.length - MOST;
  return [`${alarms.length === 1 ? 'New alarm' : `${alarms.length} new alarms`}: ${alarms.slice(0, MOST).map(({ words }) => words).join(' ')}${left > 0 ? ` And ${left} more.` : ''}`];
}

/** What was seen of an environment. */
interface Seen {
  readonly alarms: ReadonlySet<string>;
  readonly verdicts: ReadonlyMap<string, string>;
}

/** What to say to those who do not see that a dashboard changed. Figures change at every reading; said is what an alarm or a verdict has become, once. */
export class News {
  readonly #seen = new Map<string, Seen>();

  /** What came since an environment was shown last, in sentences. Empty: nothing, or it is shown for the first time: what was there then is read, not announced. */
  of(told: Told): string {
    const { environment, verdicts } = told;
    const alarms = alarmsOf(told);
    const before = this.#seen.get(environment);
    this.#seen.set(environment, { alarms: new Set(alarms.map(({ about }) => about)), verdicts: new Map(verdicts.map(({ metric, verdict }) => [metric, verdict])) });
    if (before === undefined) return '';
    // A guardrail that became worse is an alarm, which says so.
    const changed = verdicts.filter(({ metric, verdict }) => (before.verdicts.get(metric) ?? verdict) !== verdict && !alarms.some(({ about }) => about === `metric ${metric}`));
    return [...alarmWords(alarms.filter(({ about }) => !before.alarms.has(about))), ...changed.map(({ metric, verdict }) => `${metric}: ${verdict}, before ${before.verdicts.get(metric) ?? ''}.`)].join(' ');
  }
}
