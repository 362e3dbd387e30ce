import type { ModelMapping } from '../workspace/config.ts';
import type { ArmNames } from './findings.ts';

/** The arms of a model's switch as prediction records name them: `candidate` and `current`, or the variants that stand for them. */
export function armNames({ switches }: ModelMapping, flag: string): ArmNames {
  const variants = Object.entries(switches.find((entry) => entry.flag === flag)?.variants ?? {});
  const variant = (role: string): string | undefined => variants.find(([, served]) => served === role)?.[0];
  const [candidate, current] = [variant('candidate'), variant('current')];
  return {
    candidate: candidate ?? 'candidate', current: current ?? 'current',
    ...(candidate === undefined ? {} : { candidateVariant: candidate }), ...(current === undefined ? {} : { currentVariant: current }),
  };
}
