import { AppError, toAppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import { environmentOf, type Flag } from '../flags/model.ts';
import { segmentMap } from '../flags/planning.ts';
import { versionWords } from '../flags/titles.ts';
import { checkCompatibility, type Compatibility } from '../models/compatibility.ts';
import { loadContract, type FeatureContract } from '../models/contract.ts';
import { providedFeatures, type ProvidedFeatures } from '../models/featureFlags.ts';
import { armsOf, wantedDetails, type Arm } from '../models/mapping.ts';
import { readView } from '../models/readView.ts';
import { firstProblem } from '../models/yamlFile.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { GateResult, GateSubject, PromotionGate } from './gates.ts';

/** Whether what the change puts out fits the application's contract; models without one pass. */
export const compatibilityGate: PromotionGate = {
  name: 'compatibility',
  async check(subject, signal) {
    const judged = await versionsToJudge(subject, signal);
    if (judged.length === 0) return { kind: 'pass' };
    const provided = await providedAfter(subject, signal);
    const [blocking, warning]: [string[], string[]] = [[], []];
    for (const { model, arm, path } of judged) {
      const contract = await readContract(subject, path).catch((thrown: unknown) => toAppError(thrown));
      if (contract instanceof AppError) {
        warning.push(`${plainLine(model.name, 40)}: compatibility is unknown: ${contract.message}`);
        continue;
      }
      const { lines, blocks } = judge(contract, path, model, arm, provided);
      (blocks ? blocking : warning).push(...lines);
    }
    const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
    if (blocking.length > 0) return { kind: 'block', reasons: unique([...blocking, ...warning]), overridable: true } satisfies GateResult;
    return warning.length > 0 ? { kind: 'warn', reasons: unique(warning) } : { kind: 'pass' };
  },
};

interface Judged {
  readonly model: ModelMapping;
  readonly arm: Arm;
  /** Of the contract. */
  readonly path: string;
}

/** What serves where the flag is on, and by variant; for a flag of features what every model with a contract serves now. */
async function versionsToJudge({ reading, config, arms, ports }: GateSubject, signal?: AbortSignal): Promise<Judged[]> {
  const { name } = reading.detail.flag;
  const withContract = config.models.filter(({ contract }) => contract !== undefined);
  const behind = withContract.some(({ switches }) => switches.some(({ flag }) => flag === name)) ? await arms(signal) : [];
  const found = behind.flatMap(({ model, on, variants }) => [on, ...variants].map((arm) => ({ model, arm })));
  if (config.features.some(({ flag }) => flag === name)) {
    const flags = [...new Set(withContract.flatMap(({ switches }) => switches.map(({ flag }) => flag)))];
    const wanted = wantedDetails(flags.flatMap((flag) => armsOf(withContract, flag, undefined)));
    const view = await readView(() => ports.registry(), wanted, signal);
    found.push(...flags.flatMap((flag) => armsOf(withContract, flag, view)).map(({ model, off }) => ({ model, arm: off })));
  }
  return found.flatMap(({ model, arm }) => (model.contract === undefined ? [] : [{ model, arm, path: model.contract }]));
}

/** The features behind flags as they are once the change is made, in the environments that it raises. */
async function providedAfter({ plan, reading, config, ports }: GateSubject, signal?: AbortSignal): Promise<ProvidedFeatures[]> {
  const { flag } = reading.detail;
  const flags = new Map<string, Flag>();
  for (const { flag: name } of config.features) {
    const found = name === flag.name ? flag : await ports.readFlag(name, signal).catch(() => undefined);
    if (found === undefined) continue;
    const after = plan.environments.map((change) => change.after);
    flags.set(name, name === flag.name ? { ...found, environments: found.environments.map((each) => environmentOf({ ...found, environments: after }, each.name) ?? each) } : found);
  }
  const raised = plan.environments.filter(({ exposure }) => exposure === 'raise' || exposure === 'mixed');
  return raised.flatMap(({ environment }) => providedFeatures(config.features, environment, flags, segmentMap(reading.segments)));
}

async function readContract({ ports }: GateSubject, path: string): Promise<FeatureContract> {
  const { contract, problems } = loadContract(await ports.readText(path));
  if (contract === undefined) throw new AppError('validation', `${path}: ${firstProblem(problems) ?? 'it is empty'}`);
  return contract;
}

function judge(contract: FeatureContract, path: string, model: ModelMapping, arm: Arm, provided: readonly ProvidedFeatures[]): { readonly lines: string[]; readonly blocks: boolean } {
  const subject = `${plainLine(model.name, 40)} ${plainLine(versionWords(arm.version ?? arm.name), 40)}`;
  if (arm.detail === undefined) {
    const why = arm.state === 'missing' ? `the registry has no such version of ${plainLine(arm.registered, 60)}` : arm.failure ?? 'the registry could not be asked';
    return { lines: [`${subject}: compatibility is unknown: ${why.replace(/\.$/, '')}.`], blocks: false };
  }
  const { reasons } = checkCompatibility(contract, arm.detail, provided);
  const telling: Compatibility['reasons'] = reasons.filter(({ verdict }) => verdict !== 'note');
  // An older application explains a missing column, but the column is missing all the same.
  const blocks = telling.some(({ verdict }) => verdict === 'incompatible');
  return { lines: telling.map(({ verdict, message, range }) => `${subject}: ${verdict === 'incompatible' || verdict === 'unknown' ? `${verdict}: ` : ''}${plainLine(message, 300)} (${path}:${range.start.line + 1})`), blocks };
}
