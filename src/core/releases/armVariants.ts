import type { ModelMapping, ModelSwitch } from '../workspace/config.ts';

/** The variants that stand for the arms of a flag; without one on and off do. */
export interface ArmVariants {
  readonly candidateVariant?: string;
  readonly currentVariant?: string;
}

type Role = 'candidate' | 'current';

/** Which records of a log are a model's, and which arm they are of. */
export interface RecordScope {
  /** The flags that switch it, and those that switch their shadows. */
  readonly flags: readonly string[];
  /** By the variant that was assigned; every other name is that of an arm. */
  readonly roles: Readonly<Record<string, Role>>;
}

/** What serves a variant: the file names the role, or the alias or version that has it. */
function rolesOf({ variants = {} }: ModelSwitch, model: ModelMapping): [variant: string, role: Role][] {
  return Object.entries(variants).flatMap(([variant, served]): [string, Role][] => {
    const role = (['candidate', 'current'] as const).find((each) => served === each || served === model[each]);
    return role === undefined ? [] : [[variant, role]];
  });
}

export function armVariants(model: ModelMapping, flag: string): ArmVariants {
  const entry = model.switches.find((each) => each.flag === flag);
  const roles = entry === undefined ? [] : rolesOf(entry, model);
  const variantOf = (wanted: Role): string | undefined => roles.find(([, role]) => role === wanted)?.[0];
  const [candidateVariant, currentVariant] = [variantOf('candidate'), variantOf('current')];
  return { ...(candidateVariant === undefined ? {} : { candidateVariant }), ...(currentVariant === undefined ? {} : { currentVariant }) };
}

/** A service whose switch asks for variants logs which one it was assigned: `treatment` is then the candidate, as `candidate` is. */
export function recordScope(model: ModelMapping): RecordScope {
  return { flags: model.switches.flatMap(({ flag }) => [flag, `${flag}.shadow`]), roles: Object.fromEntries(model.switches.flatMap((entry) => rolesOf(entry, model))) };
}
