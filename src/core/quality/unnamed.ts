import type { QualitySourceTarget } from './definitions.ts';
import type { QualityData } from './window.ts';

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

export function unnamedMessages(unnamed: UnnamedUnits | undefined): readonly string[] {
  if (unnamed === undefined) return [];
  const where = unnamed.environments.filter((each) => each !== '').join(', ');
  const without = unnamed.designEffect === undefined
    ? 'Nothing is called not worse by them, and what is called worse may be chance: requests of users who come back are not independent, and counted as if they were they call one healthy candidate in six worse. Log unit_id, or say source.design_effect.'
    : `Counts are divided by source.design_effect (${unnamed.designEffect}).`;
  return [`${where === '' ? '' : `${where}: `}${UNNAMED}, so the sample ratio is not checked. ${without}`];
}
