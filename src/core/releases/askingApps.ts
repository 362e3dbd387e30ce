import { plainLine } from '../base/words.ts';
import { MISSING_LEAST, MISSING_RATIO, type Counted, type Exposure } from '../quality/silence.ts';
import { nullShare } from '../quality/stats/countRule.ts';
import { chiSquaredTail } from '../quality/stats/fixedTests.ts';
import { answersIn } from '../quality/told.ts';
import type { QualityData } from '../quality/window.ts';
import type { ArmVariants } from './armVariants.ts';
import type { ExposureCount, FindingsInput } from './findings.ts';

type Asked = Pick<FindingsInput, 'exposures' | 'environment' | 'variants' | 'data'> & Partial<Pick<FindingsInput, 'since'>>;
/** Answers of the flag that chose the candidate, and the current version. */
type Answers = Pick<Exposure, 'yes' | 'no'>;

const NONE: Answers = { yes: 0, no: 0 };

/** An hour of the counters, with what each application was answered, where that was anything. Oldest first. */
interface Hour extends Pick<Exposure, 'start' | 'end'> {
  readonly apps: ReadonlyMap<string, Answers>;
}

/** Applications whose answers are looked for in the same records. */
interface Asking {
  readonly hours: readonly Hour[];
  /** The services whose records they are looked for in; undefined: all. */
  readonly services?: readonly string[];
  /** Whether it is the application with the name of the service. */
  readonly isNamed: boolean;
}

/**
 * Who asked for the flag, by the services that the applications are (`judged`, else all). Where no name agrees and it is not asked for one service of several, all applications that are no service of the log. Empty: none are known, or not those of all services that are asked for together.
 */
function askingOf(input: Asked, service: string | undefined, judged: readonly string[]): readonly Asking[] {
  const { exposures, environment, variants, data, since = Number.NEGATIVE_INFINITY } = input;
  if (exposures === undefined) return [];
  const own = exposures.filter((each) => each.environment === environment);
  const apps = new Set(own.map(({ app }) => app));
  const logged = loggedServices(input);
  const wanted = service !== undefined ? [service] : judged.length > 0 ? judged : logged;
  const isNamed = wanted.some((each) => apps.has(each));
  if (isNamed ? !wanted.every((each) => apps.has(each)) : service !== undefined) return [];
  const asking = (isAsking: (app: string) => boolean, services: readonly string[]): Asking => {
    const isPart = data.windows.some((each) => each.environment === environment && each.start >= since && answersIn(each) > 0 && !services.includes(each.service));
    return { hours: hoursOf(own.filter(({ app, start }) => isAsking(app) && start >= since), variants), isNamed, ...(isPart ? { services } : {}) };
  };
  if (isNamed && (service !== undefined || wanted.length > 1)) return wanted.map((each) => asking((app) => app === each, [each]));
  // Records of services that ask by another name would stand for those that are missing.
  return [asking((app) => (isNamed ? wanted.includes(app) : !logged.includes(app)), logged.filter((each) => wanted.includes(each) || !apps.has(each)))];
}

function hoursOf(counts: readonly ExposureCount[], variants: ArmVariants): readonly Hour[] {
  const byStart = new Map<number, { start: number; end: number; apps: Map<string, Answers> }>();
  for (const count of counts) {
    const { start, end, app } = count;
    const hour = byStart.get(start) ?? { start, end, apps: new Map<string, Answers>() };
    byStart.set(start, hour);
    const answers = answersOf(count, variants);
    if (answers.yes + answers.no > 0) hour.apps.set(app, added(hour.apps.get(app) ?? NONE, answers));
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

/** Answers of all applications but those in `without`. */
function totalOf({ apps }: Hour, without: ReadonlySet<string> = new Set()): Answers {
  return [...apps].filter(([app]) => !without.has(app)).map(([, answers]) => answers).reduce(added, NONE);
}

/** What the applications were answered that are a service, or all that may be; empty where none are known. By the hour, oldest first. */
export function exposuresOf(input: Asked, service: string | undefined): readonly Exposure[] {
  return askingOf(input, service, []).flatMap(({ hours }) => hours.map((hour) => ({ start: hour.start, end: hour.end, ...totalOf(hour) })));
}

/** The current version serves whoever gets the flag off, beside the variant that stands for it. */
function answersOf({ yes, no, variants }: ExposureCount, { candidateVariant, currentVariant }: ArmVariants): Answers {
  const asCurrent = currentVariant === undefined ? 0 : variants[currentVariant] ?? 0;
  return { yes: candidateVariant === undefined ? Math.max(0, yes - asCurrent) : variants[candidateVariant] ?? 0, no: no + asCurrent };
}

function added(a: Answers, b: Answers): Answers {
  return { yes: a.yes + b.yes, no: a.no + b.no };
}

function loggedServices({ data, environment }: Pick<Asked, 'data' | 'environment'>): readonly string[] {
  return [...new Set(data.windows.filter((each) => each.environment === environment).map(({ service }) => service))];
}

/** What of the counters is judged. */
export interface JudgedExposures {
  /** Each is judged by itself, and all together; empty: nothing is known. */
  readonly counted: readonly Counted[];
  /** Where most of the candidate's answers are left out, so that little is known: why, with what to do about it. */
  readonly unjudged?: string;
}

/**
 * Counters of the applications that log predictions. Where none has the name of a service that is judged, some of those that ask may make no predictions, and what they were answered would be missing: while each of them has at most `MISSING_RATIO` times the candidate's part, so have any of
 * them together, and nothing looks worse than it is. One that is asked for other people than everyone (a back office, a monitor with one user) would look like a candidate that is silent, so it is left out in the hours in which it is unlike the others. Should it be the one that logs, its records stand for answers of others that are missing: that takes no
 * healthy release back, and a candidate that logs nothing at all is seen all the same. An application that is alone is whoever logs, whatever its name is.
 */
export function judgedExposures(input: Asked, service: string | undefined, judged: readonly string[]): JudgedExposures {
  const found = askingOf(input, service, judged).map(({ hours, services, isNamed }) => {
    const unlike = isNamed ? [] : unlikeApps(hours);
    const exposures = hours.map((hour, index) => ({ start: hour.start, end: hour.end, ...totalOf(hour, unlike[index]) }));
    const leftOut = leftOutOf(hours, unlike);
    const counted: Counted = { exposures, ...(services === undefined ? {} : { services }), ...(leftOut === undefined ? {} : { without: leftOut.words }) };
    return { counted, ...(leftOut?.isMost === true ? { unjudged: unjudgedWords(hours, leftOut.words, judged, input.data) } : {}) };
  });
  const unjudged = found.find((each) => each.unjudged !== undefined)?.unjudged;
  return { counted: found.map(({ counted }) => counted), ...(unjudged === undefined ? {} : { unjudged }) };
}

/** How many more answers of the candidate an application has than it would, were it as much unlike as is let pass; and the variance of that. */
interface Compared {
  readonly excess: number;
  readonly variance: number;
}

/** Who gets the candidate as often as is let pass has so many more answers of it with this probability. */
const BY_CHANCE = 0.001;

/**
 * By the hour, those who get the candidate more often than all that are left: more than `MISSING_RATIO` times as often beyond chance in this hour, or in any number of hours up to it, as few answers need. By the hour, for who is asked changes with the
 * percentage and the time of day: in a sum of stages an application that has begun to ask later would be unlike (Simpson), and in one of days a monitor would not, which is most of the night. It needs more than chance ever has among many who ask little: each that is left out for its luck lowers
 * the part of those that are left, and with it what the next one may have.
 */
function unlikeApps(hours: readonly Hour[]): readonly ReadonlySet<string>[] {
  const before = new Map<string, Compared[]>();
  return hours.map((hour) => {
    const unlike = new Set<string>();
    for (;;) {
      const left = totalOf(hour, unlike);
      const compared = [...hour.apps].map(([app, own]) => [app, comparedWith(unlike.has(app) ? added(left, own) : left, own)] as const);
      const more = compared.filter(([app, own]) => !unlike.has(app) && isMore(hour.apps.get(app) ?? NONE, left) && isUnlike([...(before.get(app) ?? []), own]));
      if (more.length === 0) {
        for (const [app, own] of compared) before.set(app, [...(before.get(app) ?? []), own]);
        return unlike;
      }
      for (const [app] of more) unlike.add(app);
    }
  });
}

/** Whether an application got the candidate more often than all. */
function isMore({ yes, no }: Answers, all: Answers): boolean {
  return yes * all.no > no * all.yes;
}

/**
 * An application beside all, of which it is one: a table of 2 x 2 with given margins, so that what the others were answered by chance counts as well.
 *
 * Source: variance of the noncentral hypergeometric distribution: Cornfield, Proc. Third Berkeley Symposium 4, 1956.
 */
function comparedWith(all: Answers, { yes, no }: Answers): Compared {
  const expected = (yes + no) * nullShare(MISSING_RATIO, { candidateCount: all.yes, currentCount: all.no });
  const cells = [expected, yes + no - expected, all.yes - expected, all.no - (yes + no - expected)];
  return { excess: yes - expected, variance: Math.min(...cells) <= 0 ? 0 : 1 / cells.reduce((sum, cell) => sum + 1 / cell, 0) };
}

/**
 * By the tail of a Poisson distribution of that variance, for sums of few answers are skewed.
 *
 * Source: translated Poisson: Roellin, Bernoulli 11, 2005.
 */
function isUnlike(hours: readonly Compared[]): boolean {
  let [excess, variance] = [0, 0];
  return hours.toReversed().some((hour) => {
    [excess, variance] = [excess + hour.excess, variance + hour.variance];
    return excess > 0 && chiSquaredTail(2 * variance, 2 * (variance + excess)) > 1 - BY_CHANCE;
  });
}

/** Whose answers are left out, where they are more than a part of the candidate's that matters, and whether they are most. */
function leftOutOf(hours: readonly Hour[], unlike: readonly ReadonlySet<string>[]): { readonly words: string; readonly isMost: boolean } | undefined {
  const [theirs, all] = [new Map<string, number>(), hours.reduce((sum, hour) => sum + totalOf(hour).yes, 0)];
  for (const [index, { apps }] of hours.entries()) for (const app of unlike[index] ?? []) theirs.set(app, (theirs.get(app) ?? 0) + (apps.get(app)?.yes ?? 0));
  const leftOut = [...theirs.values()].reduce((sum, yes) => sum + yes, 0);
  if (leftOut <= MISSING_LEAST * all) return undefined;
  const largest = Math.max(...theirs.values());
  // Not each that is left out by chance for an hour.
  const names = [...theirs].filter(([, yes]) => yes >= MISSING_LEAST * largest).sort(([, a], [, b]) => b - a).map(([app]) => app);
  return { words: `those of ${namesOf(names)}, which ${names.length === 1 ? 'gets' : 'get'} it more often than the others`, isMost: leftOut > all / 2 };
}

/** Why answers that are missing are hardly judged, with what to do about it. */
function unjudgedWords(hours: readonly Hour[], leftOut: string, judged: readonly string[], { hasOwnTotals }: Pick<QualityData, 'hasOwnTotals'>): string {
  const all = [...new Set(hours.flatMap(({ apps }) => [...apps.keys()]))].sort();
  const services = judged.filter((service) => service !== '');
  const source = services.length === 0 ? 'the source names no service' : `the log's ${services.length === 1 ? 'service is' : 'services are'} ${namesOf(services)}`;
  const mend = `${hasOwnTotals === true ? 'let' : 'log as service the appName of who makes the predictions, or let'} applications that make none send no metrics (disable_metrics)`;
  return `${all.length} applications ask for the flag (${namesOf(all)}), ${source}, and most answers of the candidate are left out, ${leftOut}, so that whoever logs nothing would look like a silent candidate: ${mend}`;
}

function namesOf(names: readonly string[]): string {
  return [...names.slice(0, 3).map((each) => plainLine(each, 40)), ...(names.length > 3 ? ['...'] : [])].join(', ');
}
