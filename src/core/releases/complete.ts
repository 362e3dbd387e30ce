import * as z from 'zod';
import { durationWords } from '../base/duration.ts';
import { AppError, toAppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import type { FlagEvent } from '../flags/ports.ts';
import { pinnedVersion, pinsModel, pinsOf, type Pin } from '../flags/titles.ts';
import { TAG_PREFIX } from '../models/evidence.ts';
import type { Facts } from '../models/model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { ReleaseAssessment } from './assessment.ts';

/** The last thing of a release: the alias of what serves names the version that everybody gets. */
export interface Completion {
  readonly registered: string;
  /** The alias, `champion` by default. */
  readonly alias: string;
  readonly from: string | undefined;
  readonly to: string;
}

/**
 * What completing a release will do; undefined when the alias names the candidate already.
 * @param isShipped an experiment whose candidate everyone gets: its plan has no such stage
 * @throws AppError validation where the release cannot be completed now, with what to do instead; conflict where an alias moved under it; as the registry fails
 */
export async function planCompletion(assessment: ReleaseAssessment, mapping: ModelMapping, registry: Pick<ModelRegistry, 'readModel'>, { isShipped = false, signal }: { readonly isShipped?: boolean; readonly signal?: AbortSignal | undefined } = {}): Promise<Completion | undefined> {
  const { state, verdict, latch, pin, stageWords, position, look } = assessment;
  if (state === 'complete') return undefined;
  const refused = (message: string): never => { throw new AppError('validation', message, { reason: 'notComplete' }); };
  if (latch !== undefined) refused(`The guard took ${plainLine(latch.environment, 40)} back: re-arm, or keep the current model.`);
  if (state !== 'last stage' || (position.deviations.length > 0 && !isShipped)) refused(`${mapping.name} is at ${stageWords}, and a release is completed from the last stage of its plan: advance first.`);
  if (look.stage.heldMs < look.stage.holdMs) refused(`${mapping.name} has been at its last stage for ${durationWords(look.stage.heldMs)} of ${durationWords(look.stage.holdMs)}: complete it then.`);
  if (verdict.word === 'rollback') refused(`${verdict.reasons[0]?.words ?? 'A guardrail is breached'}: roll back instead.`);
  if (pin === undefined) return refused(`No version is pinned for ${mapping.name}: re-pin the release, so that it is known which version to complete.`);
  const { registeredModel, current, candidate } = mapping;
  if (registeredModel === undefined) return refused(`${mapping.name} names no registered_model in modelswitch.yaml: there is no alias to move.`);
  if (/^v?\d+$/.test(current)) refused(`current of ${mapping.name} is the version ${current}, not an alias: write the released version there in modelswitch.yaml.`);
  const { aliases } = await registry.readModel(registeredModel, signal);
  const named = (alias: string): string | undefined => aliases.find((each) => each.alias === alias)?.version ?? (/^v?\d+$/.test(alias) ? alias.replace(/^v/, '') : undefined);
  const [from, to] = [named(current), named(candidate)];
  if (from !== undefined && pinnedVersion(from) === pin.candidate) return undefined;
  if (to === undefined || pinnedVersion(to) !== pin.candidate) {
    throw new AppError('conflict', `${candidate} of ${registeredModel} names ${to === undefined ? 'no version' : `version ${to}`}, and ${pin.candidate} is what was released: move the alias back, or re-pin.`, { reason: 'movedAlias' });
  }
  return { registered: registeredModel, alias: current, from, to };
}

const recordSchema = z.object({ outcome: z.enum(['complete', 'taken back']), flag: z.string(), alias: z.string(), from: z.string().optional(), to: z.string(), at: z.string() });

/** What a completion leaves at the version that it made current, so that whoever takes it back knows what was current before. */
export type CompletionRecord = z.output<typeof recordSchema>;

/** The tag of a completion: registries take letters, digits and `_-./`, at most 250. */
export function completionTag(flag: string): string {
  return `${TAG_PREFIX}release.${flag}`.replace(/[^\w./-]+/g, '_').slice(0, 250);
}

/** The record among a version's tags; undefined where there is none that can be read. */
export function completionRecord(tags: Facts, flag: string): CompletionRecord | undefined {
  try {
    const { success, data } = recordSchema.safeParse(JSON.parse(tags[completionTag(flag)] ?? ''));
    return success && data.flag === flag ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Moves the alias, by compare-and-set, and writes down what it was before. The record is a note to the move: where it cannot be written, a sentence says so. @throws AppError conflict when the alias moved meanwhile; as the registry fails */
export async function complete(registry: Pick<ModelRegistry, 'capabilities' | 'setAlias' | 'setVersionTag'>, { registered, alias, from, to }: Completion, flag: string, now: number, signal?: AbortSignal): Promise<string[]> {
  if (!registry.capabilities.setAlias) throw new AppError('forbidden', registry.capabilities.reason ?? 'This registry is only read: move the alias where it is kept.');
  await registry.setAlias(registered, alias, to, from, signal);
  return keepRecord(registry, registered, { outcome: 'complete', flag, alias, ...(from === undefined ? {} : { from }), to, at: new Date(now).toISOString() }, signal);
}

async function keepRecord(registry: Pick<ModelRegistry, 'capabilities' | 'setVersionTag'>, registered: string, record: CompletionRecord, signal: AbortSignal | undefined): Promise<string[]> {
  if (!registry.capabilities.setTag) return [];
  try {
    await registry.setVersionTag(registered, record.to, completionTag(record.flag), JSON.stringify(record), signal);
    return [];
  } catch (thrown) {
    return [`the completion could not be written to the registry: ${plainLine(toAppError(thrown).message, 200)}`];
  }
}

/** What a completion moved, the other way round. */
export interface AliasReturn {
  readonly registered: string;
  readonly alias: string;
  /** What it names now: the version that was released. */
  readonly from: string;
  /** What it named before the completion. */
  readonly to: string;
}

/** The versions that a flag's releases of a model were about, newest first, from the titles in its log. */
export function pinsInLog(events: readonly FlagEvent[], model: string): Pin[] {
  return events.toSorted((a, b) => b.id - a.id).flatMap(({ strategy }) => pinsOf(strategy?.title ?? '')).filter((each) => pinsModel(each, model));
}

/**
 * What takes a completion back: the alias names again what it did before, by the record of the completion, else by the versions that the release pinned. Undefined where the alias does not name what was
 * released behind this flag: then nothing was completed. Asked for after the flag too, because it alone says what serves once the switch has gone from the code.
 * @param pin the newest versions that the flag pinned; undefined where its log cannot be read
 * @throws AppError as the registry fails; notFound when the version that was current is gone
 */
export async function planAliasReturn({ registeredModel, current }: Pick<ModelMapping, 'registeredModel' | 'current'>, flag: string, pin: Pin | undefined, registry: Pick<ModelRegistry, 'readModel' | 'readVersion'>, signal?: AbortSignal): Promise<AliasReturn | undefined> {
  if (registeredModel === undefined || /^v?\d+$/.test(current)) return undefined;
  const { aliases } = await registry.readModel(registeredModel, signal);
  const from = aliases.find(({ alias }) => alias === current)?.version;
  if (from === undefined || (pin !== undefined && pin.candidate !== pinnedVersion(from))) return undefined;
  const record = completionRecord((await registry.readVersion(registeredModel, from, signal)).tags, flag);
  const known = record?.outcome === 'complete' && record.alias === current && record.to === from ? record.from : undefined;
  const named = known ?? pin?.current.replace(/^v(?=\d)/, '');
  if (named === undefined) return undefined;
  const { version } = await registry.readVersion(registeredModel, named, signal);
  return { registered: registeredModel, alias: current, from, to: version };
}

/** Takes the alias back, by compare-and-set. @throws AppError conflict when somebody else moved it meanwhile; as the registry fails */
export async function returnAlias(registry: Pick<ModelRegistry, 'capabilities' | 'setAlias' | 'setVersionTag'>, { registered, alias, from, to }: AliasReturn, flag: string, now: number, signal?: AbortSignal): Promise<string[]> {
  if (!registry.capabilities.setAlias) throw new AppError('forbidden', registry.capabilities.reason ?? 'This registry is only read: move the alias where it is kept.');
  await registry.setAlias(registered, alias, to, from, signal);
  return keepRecord(registry, registered, { outcome: 'taken back', flag, alias, from: to, to: from, at: new Date(now).toISOString() }, signal);
}
