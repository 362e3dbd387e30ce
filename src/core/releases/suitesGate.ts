import { AppError, toAppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import { environmentOf } from '../flags/model.ts';
import { versionWords } from '../flags/titles.ts';
import type { Arm, FlagArms } from '../models/mapping.ts';
import { judgeEvidence, type SuiteOnDisk } from '../suites/evidence.ts';
import type { GatePorts, PromotionGate } from './gates.ts';
import type { GateFinding } from './verdict.ts';

/** How the gate is named in messages, in titles of overrides, and among the findings of a verdict. */
export const SUITES_GATE = 'suites';

/** What the suites of one model say about what a change puts out; empty lists where nothing stands in its way. */
export interface SuitesJudgement {
  readonly blocking: readonly string[];
  readonly warning: readonly string[];
}

/** The versions that a raise puts out: what serves where the flag is on, by variant too, apart from the version that serves anyway. */
export function putOut({ on, off, variants }: FlagArms): Arm[] {
  const arms = [on, ...variants].filter(({ version, name }) => (version ?? name) !== (off.version ?? off.name));
  return [...new Map(arms.map((arm) => [JSON.stringify([arm.registered, arm.version ?? arm.name]), arm])).values()];
}

/**
 * Whether the suites of a model let its versions out. Evidence that is not there, not about this version, not about the suite and data as they are,
 * or not in reach, is none. `production`: whether the change raises a production environment, which unverified evidence does not open.
 */
export function judgeSuites(found: FlagArms, suites: readonly SuiteOnDisk[], { production, now }: { readonly production: boolean; readonly now: number }): SuitesJudgement {
  const [blocking, warning]: [string[], string[]] = [[], []];
  const model = plainLine(found.model.name, 40);
  if (suites.length === 0) return { blocking: [`${model}: modelswitch.yaml names the suites ${plainLine((found.model.suites ?? []).join(', '), 120)}, but there is no such file.`], warning };
  for (const arm of putOut(found)) {
    if (arm.detail === undefined) {
      const why = arm.state === 'missing' ? `the registry has no such version of ${plainLine(arm.registered, 60)}` : arm.failure ?? 'the registry could not be asked';
      blocking.push(`${model} ${plainLine(versionWords(arm.version ?? arm.name), 40)}: whether its suites passed is not known: ${why.replace(/\.$/, '')}.`);
      continue;
    }
    for (const suite of suites) {
      const { state, words } = judgeEvidence(suite, arm.detail, now);
      if (state === 'refused' || (state === 'unverified' && production)) blocking.push(`${model}: ${words}`);
      else if (state === 'unverified') warning.push(`${model}: ${words}`);
    }
  }
  return { blocking, warning };
}

/** The same for the verdict of a release: shut, with the first reason and how many more there are. */
export function suiteGateFinding(judgements: readonly SuitesJudgement[]): GateFinding {
  const [first, ...more] = judgements.flatMap(({ blocking }) => blocking);
  if (first === undefined) return { name: SUITES_GATE, state: 'open', words: 'the suites passed' };
  return { name: SUITES_GATE, state: 'shut', words: `suites: ${first.replace(/\.$/, '')}${more.length === 0 ? '' : ` (and ${more.length} more)`}` };
}

async function suitesOf(ports: Pick<GatePorts, 'suites'>, patterns: readonly string[], signal: AbortSignal | undefined): Promise<readonly SuiteOnDisk[] | AppError> {
  return ports.suites(patterns, signal).catch((thrown: unknown) => {
    const error = toAppError(thrown);
    if (error.code === 'cancelled') throw error;
    return error;
  });
}

/** Whether the behavioural suites of what a change puts out passed against just that version; models without suites pass. */
export const suitesGate: PromotionGate = {
  name: SUITES_GATE,
  async check({ plan, reading, config, ports, arms }, signal) {
    const { flag } = reading.detail;
    const withSuites = config.models.filter(({ suites = [], switches }) => suites.length > 0 && switches.some((entry) => entry.flag === flag.name));
    if (withSuites.length === 0) return { kind: 'pass' };
    const raised = plan.environments.filter(({ exposure }) => exposure === 'raise' || exposure === 'mixed');
    // An environment of an unknown type may be production.
    const production = raised.some(({ environment }) => (environmentOf(flag, environment)?.type ?? 'production') === 'production');
    const judged: SuitesJudgement[] = [];
    for (const found of await arms(signal)) {
      if (!withSuites.includes(found.model)) continue;
      const suites = await suitesOf(ports, found.model.suites ?? [], signal);
      judged.push(suites instanceof AppError
        ? { blocking: [`${plainLine(found.model.name, 40)}: its suites could not be read: ${plainLine(suites.message, 300)}`], warning: [] }
        : judgeSuites(found, suites, { production, now: ports.now() }));
    }
    const [blocking, warning] = [[...new Set(judged.flatMap((each) => each.blocking))], [...new Set(judged.flatMap((each) => each.warning))]];
    if (blocking.length > 0) return { kind: 'block', reasons: [...blocking, ...warning], overridable: true };
    return warning.length > 0 ? { kind: 'warn', reasons: warning } : { kind: 'pass' };
  },
};
