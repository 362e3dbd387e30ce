import { plainLine } from '../base/words.ts';
import { MISSING_LEAST, MISSING_RATIO, type Exposure } from '../quality/silence.ts';
import { answersIn } from '../quality/told.ts';
import type { QualityData } from '../quality/window.ts';
import type { ArmVariants } from './armVariants.ts';
import type { ExposureCount, FindingsInput } from './findings.ts';

type Asked = Pick<FindingsInput, 'exposures' | 'environment' | 'variants' | 'data'> & Partial<Pick<FindingsInput, 'since'>>;
/** Answers of the flag that chose the candidate, and the current version. */
type Answers = Pick<Exposure, 'yes' | 'no'>;

/** What Unleash counts of those who are judged. */
export interface Counted {
  /** By the hour, oldest first. */
  readonly exposures: readonly Exposure[];
  /** Whose records they are about, where others log as well; undefined: all. */
  readonly services?: readonly string[];
}

/**
 * Counters of the applications that log predictions, by the services they are (`judged`, else all). Where no name agrees and it is not asked for one service of several, those of all applications that are no service of the log;
 * whether that says anything is told by `unknownApps`. Undefined: none are known, or not those of all services that are asked for together.
 */
export function exposuresOf(input: Asked, service: string | undefined, judged: readonly string[] = []): Counted | undefined {
  const { exposures, environment, variants, data, since = Number.NEGATIVE_INFINITY } = input;
  if (exposures === undefined) return undefined;
  const own = exposures.filter((each) => each.environment === environment);
  const apps = new Set(own.map(({ app }) => app));
  const logged = loggedServices(input);
  const wanted = service !== undefined ? [service] : judged.length > 0 ? judged : logged;
  const isNamed = wanted.some((each) => apps.has(each));
  if (isNamed ? !wanted.every((each) => apps.has(each)) : service !== undefined) return undefined;
  const byStart = new Map<number, Exposure>();
  for (const count of own.filter(({ app }) => (isNamed ? wanted.includes(app) : !logged.includes(app)))) {
    byStart.set(count.start, { start: count.start, end: count.end, ...added(byStart.get(count.start), answersOf(count, variants)) });
  }
  // Records of services that ask by another name would stand for those that are missing.
  const services = service !== undefined ? wanted : logged.filter((each) => wanted.includes(each) || !apps.has(each));
  const isPart = data.windows.some((each) => each.environment === environment && each.start >= since && answersIn(each) > 0 && !services.includes(each.service));
  return { exposures: [...byStart.values()].sort((a, b) => a.start - b.start), ...(isPart ? { services } : {}) };
}

/** The current version serves whoever gets the flag off, beside the variant that stands for it. */
function answersOf({ yes, no, variants }: ExposureCount, { candidateVariant, currentVariant }: ArmVariants): Answers {
  const asCurrent = currentVariant === undefined ? 0 : variants[currentVariant] ?? 0;
  return { yes: candidateVariant === undefined ? Math.max(0, yes - asCurrent) : variants[candidateVariant] ?? 0, no: no + asCurrent };
}

function added(known: Answers | undefined, { yes, no }: Answers): Answers {
  return { yes: yes + (known?.yes ?? 0), no: no + (known?.no ?? 0) };
}

function loggedServices({ data, environment }: Pick<Asked, 'data' | 'environment'>): readonly string[] {
  return [...new Set(data.windows.filter((each) => each.environment === environment).map(({ service }) => service))];
}

/** Applications of which nobody knows whose answers the source holds. */
export interface UnknownApps {
  readonly all: readonly string[];
  /** Those among them that get the candidate more often than the others. */
  readonly unlike: readonly string[];
}

/**
 * Where several applications have asked for the flag since evidence began, and none has the name of a service that is judged, some of them may make no predictions, and what they were answered would be missing. Where each has at most
 * `MISSING_RATIO` times the part of the candidate's answers that it has of the current version's (and three standard deviations more, by chance), so have any of them together, and nothing looks worse than it is. But one that is asked for other
 * people than everyone (a back office, a monitor with one user) would look like a candidate that is silent, where it has as many answers as that takes. An application that is alone is whoever logs, whatever its name is. Undefined: what is counted says something.
 */
export function unknownApps(input: Asked, judged: readonly string[]): UnknownApps | undefined {
  const { exposures = [], environment, variants, since = Number.NEGATIVE_INFINITY } = input;
  const asking = exposures.filter((each) => each.environment === environment && each.start >= since && each.yes + each.no > 0);
  if (judged.length === 0 || asking.some(({ app }) => judged.includes(app))) return undefined;
  const logged = loggedServices(input);
  const apps = new Map<string, Answers>();
  for (const count of asking.filter(({ app }) => !logged.includes(app))) apps.set(count.app, added(apps.get(count.app), answersOf(count, variants)));
  const total = [...apps.values()].reduce(added, { yes: 0, no: 0 });
  const unlike = [...apps].filter(([, answers]) => isUnlike(answers, total)).map(([app]) => app);
  const theirs = unlike.reduce((sum, app) => sum + (apps.get(app)?.yes ?? 0), 0);
  return apps.size < 2 || theirs < MISSING_LEAST * total.yes ? undefined : { all: [...apps.keys()].sort(), unlike: unlike.sort() };
}

/** Whether an application gets the candidate more often than all together, beyond chance. */
function isUnlike({ yes, no }: Answers, total: Answers): boolean {
  const expected = total.no === 0 ? 0 : (MISSING_RATIO * no * total.yes) / total.no;
  return yes > expected + 3 * Math.sqrt(expected);
}

/** Why answers that are missing are not judged, with what to do about it. */
export function unjudgedWords({ all, unlike }: UnknownApps, judged: readonly string[], { hasOwnTotals }: Pick<QualityData, 'hasOwnTotals'>): string {
  const services = judged.filter((service) => service !== '');
  const source = services.length === 0 ? 'the source names no service' : `the log's ${services.length === 1 ? 'service is' : 'services are'} ${namesOf(services)}`;
  const mends = [...(hasOwnTotals === true ? [] : ['log as service the appName of who makes the predictions']), 'let applications that make none send no metrics (disable_metrics)'];
  return `${all.length} applications ask for the flag (${namesOf(all)}), ${source}, and ${namesOf(unlike)} ${unlike.length === 1 ? 'gets' : 'get'} the candidate more often than the others, so that whoever logs nothing would look like a silent candidate: ${mends.join(', or ')}`;
}

function namesOf(names: readonly string[]): string {
  return [...names.slice(0, 3).map((each) => plainLine(each, 40)), ...(names.length > 3 ? ['...'] : [])].join(', ');
}
