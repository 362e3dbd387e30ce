import { plainLine } from '../base/words.ts';
import type { QualitySourceTarget } from './definitions.ts';
import { hash53 } from './hashing.ts';
import type { ArmSummary, QualityData } from './window.ts';

/** What loggers write where nobody is known: the words that are no error either (`isPresent`), but for numbers and truths, which may be ids, and those for whoever is not signed in. */
export const NOBODY = ['n/a', 'na', '<na>', 'nan', 'nat', 'null', 'none', '\\n', 'nil', '<nil>', 'undefined', '-', '[]', 'anonymous', 'anon', 'unknown', 'guest', '00000000-0000-0000-0000-000000000000'] as const;
/** As they are, with a capital, and in capitals. */
const NOBODYS = new Set([' ', ...NOBODY, ...NOBODY.map((each) => each.toUpperCase()), ...NOBODY.map((each) => each.charAt(0).toUpperCase() + each.slice(1)), 'NaN', 'NaT'].map((each) => hash53(each)));
/** Which of them a hash may be, by its last bits: millions of records are asked. */
const MASK = 1023;
const MAY_BE = new Uint8Array(MASK + 1);
for (const hash of NOBODYS) MAY_BE[hash & MASK] = 1;

function somebody(hash: number): number {
  return MAY_BE[hash & MASK] === 1 && NOBODYS.has(hash) ? 0 : hash;
}

/** The hash of the unit of a record with a batch and a unit of these (0: none): of the batch, where it names one. 0 where neither names any. */
export function unitOf(batch: number, unit: number): number {
  return somebody(batch) || somebody(unit);
}

/** Below this part of the records that name a unit, those that do say nothing of the others. */
const LEAST_NAMED = 0.1;

/** Environments whose records do not say of whom they are, so that nobody knows how dependent they are. */
export interface UnnamedUnits {
  readonly environments: readonly string[];
  /** How much more they vary than independent requests would, where `source.design_effect` says it. */
  readonly designEffect?: number;
}

/** Undefined: all environments have units. */
export function unnamedIn(arms: readonly { readonly environment: string; readonly named: number; readonly nameless: number }[], source: QualitySourceTarget | undefined): UnnamedUnits | undefined {
  const sum = (environment: string, of: 'named' | 'nameless'): number => arms.reduce((total, each) => total + (each.environment === environment ? each[of] : 0), 0);
  const environments = [...new Set(arms.map(({ environment }) => environment))].filter((each) => sum(each, 'nameless') > 0 && sum(each, 'named') < LEAST_NAMED * (sum(each, 'named') + sum(each, 'nameless'))).sort();
  const designEffect = source?.kind === 'log' ? source.designEffect : undefined;
  return environments.length === 0 ? undefined : { environments, ...(designEffect === undefined ? {} : { designEffect }) };
}

/** What is known of the units of an environment whose records name none; undefined: they do. */
export function unnamedOf({ unnamed }: Pick<QualityData, 'unnamed'>, environment: string): UnnamedUnits | undefined {
  return unnamed?.environments.includes(environment) === true ? unnamed : undefined;
}

export const UNNAMED = 'records have neither unit_id nor batch_id';

/** A unit of an arm of so many others, with so much of its records, is hardly one. */
const [OTHERS, MUCH] = [100, 0.3];

/** What is said of an arm of which one unit has far more than the others: with share s of the records it makes sum m^2 s^2 (sum m)^2 by itself. It need not be left out: both arms then count as if they were a few units (`dispersionBound`). */
export function crowdMessages(arms: readonly Pick<ArmSummary, 'arm' | 'environment' | 'unitSums'>[]): readonly string[] {
  return arms.flatMap(({ arm, environment, unitSums }) => {
    const most = Object.values(unitSums).reduce((share, { units, requests, requestsSquared }) => (units > OTHERS ? Math.max(share, Math.sqrt(requestsSquared) / requests) : share), 0);
    return most <= MUCH ? [] : [`${environment === '' ? '' : `${plainLine(environment, 60)}: `}one unit has about ${Math.round(100 * most)} % of the records of ${plainLine(arm, 60)}. Where it stands for many, leave unit_id out of them: until then all count as those of a few units, so little is shown.`];
  });
}

export function unnamedMessages(unnamed: UnnamedUnits | undefined): readonly string[] {
  if (unnamed === undefined) return [];
  const where = unnamed.environments.filter((each) => each !== '').join(', ');
  const without = unnamed.designEffect === undefined
    ? 'Nothing is called not worse by them, and what is called worse may be chance: requests of users who come back are not independent, and counted as if they were they call one healthy candidate in six worse. A text such as None or anonymous names none. Log unit_id, or say source.design_effect.'
    : `Counts are divided by source.design_effect (${unnamed.designEffect}).`;
  return [`${where === '' ? '' : `${where}: `}${UNNAMED}, so the sample ratio is not checked. ${without}`];
}
