import type * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { isFlagName } from '../../core/flags/createFlag.ts';
import type { FlagSnapshot } from '../../core/flags/store.ts';
import { versionWords } from '../../core/flags/titles.ts';
import type { ModelVersion } from '../../core/models/model.ts';
import type { ModelRegistry } from '../../core/models/registry.ts';
import type { StartRequest } from '../../core/releases/startRelease.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Target } from '../connection/connections.ts';
import { requireOpen } from '../flags/changeFlow.ts';
import { askText, BACK, type Frame } from '../platform/inputFlow.ts';
import { askPick, runFlow, type Answer, type FlowStep } from '../platform/pickFlow.ts';

/** What a caller may have chosen already: a version of the tree "Models", or all of it. What is here is not asked. */
export interface Given {
  readonly registered?: string;
  readonly version?: string;
  /** Name in modelswitch.yaml. */
  readonly model?: string;
  readonly flag?: string;
  readonly stickiness?: string;
  readonly segments?: readonly (string | number)[];
}

/** The answers so far; those of later steps stand here too when somebody went back. */
interface Answers {
  readonly registered?: string;
  readonly version?: string;
  /** An existing flag, or a new one whose name comes next. */
  readonly choice?: { readonly flag: string } | 'new';
  readonly newFlag?: string;
  readonly stickiness?: string;
  readonly segments?: readonly (string | number)[];
}

/** What the questions are put by. */
interface Sources {
  readonly target: Target;
  readonly registry: () => Promise<ModelRegistry>;
  readonly given: Given;
}

type Step = FlowStep<Answers>;
type Choice<Value> = vscode.QuickPickItem & { readonly value: Value };

/** Asks for model, version, flag, stickiness and segments; undefined when the person gave up. @throws AppError what reading the registry throws */
export async function askStart(target: Target, registry: () => Promise<ModelRegistry>, given: Given): Promise<StartRequest | undefined> {
  const sources: Sources = { target, registry, given };
  const { registered, version, flag, stickiness, segments } = given;
  const start: Answers = { ...given, ...(flag === undefined ? {} : { choice: { flag } }) };
  const steps: readonly Step[] = [
    { applies: () => registered === undefined, ask: (answers, frame) => askModel(sources, answers, frame) },
    { applies: () => version === undefined, ask: (answers, frame) => askVersion(sources, answers, frame) },
    { applies: (answers) => flag === undefined && onlySwitch(sources, answers) === undefined, ask: (answers, frame) => askFlag(sources, answers, frame) },
    { applies: ({ choice }) => flag === undefined && choice === 'new', ask: (answers, frame) => askName(sources, answers, frame) },
    { applies: (answers) => stickiness === undefined && isNew(sources, answers), ask: (answers, frame) => askStickiness(sources, answers, frame) },
    { applies: () => segments === undefined && segmentsOf(target).length > 0, ask: (answers, frame) => askSegments(sources, answers, frame) },
  ];
  const answers = await runFlow(titleOf, steps, start);
  return answers && requestOf(sources, answers);
}

function requestOf(sources: Sources, answers: Answers): StartRequest | undefined {
  const { registered, version, stickiness, segments = [] } = answers;
  const flag = flagOf(sources, answers);
  if (registered === undefined || version === undefined || flag === undefined) return undefined;
  const mapping = mappingOf(sources, answers);
  // A flag that exists is drawn as it is.
  const drawnBy = isNew(sources, answers) ? stickiness : sources.given.stickiness;
  return { model: sources.given.model ?? mapping?.name ?? registered, mapping, registered, candidate: version, flag, stickiness: drawnBy ?? 'default', segments };
}

function titleOf({ registered, version }: Answers): string {
  return ['Start a release', ...registered === undefined ? [] : ['of', plainLine(registered, 60)], ...registered === undefined || version === undefined ? [] : [plainLine(versionWords(version), 40)]].join(' ');
}

function mappingOf({ target, given }: Sources, { registered }: Answers): ModelMapping | undefined {
  return target.models.find(({ name }) => name === given.model) ?? target.models.find(({ name, registeredModel }) => (registeredModel ?? name) === registered);
}

/** The flag of a model that has one: nothing to ask. */
function onlySwitch(sources: Sources, answers: Answers): string | undefined {
  const { switches } = mappingOf(sources, answers) ?? { switches: [] };
  return switches.length === 1 ? switches[0]?.flag : undefined;
}

function flagOf(sources: Sources, answers: Answers): string | undefined {
  const { choice, newFlag } = answers;
  return sources.given.flag ?? onlySwitch(sources, answers) ?? (choice === 'new' ? newFlag : choice?.flag);
}

/** Before the flag is chosen nothing is known to be new. */
function isNew(sources: Sources, answers: Answers): boolean {
  const flag = flagOf(sources, answers);
  return flag !== undefined && snapshotOf(sources.target)?.flags.has(flag) === false;
}

function snapshotOf({ connection }: Target): FlagSnapshot | undefined {
  return connection.session?.store.snapshot;
}

function segmentsOf(target: Target): readonly { readonly id: number; readonly name: string }[] {
  return [...snapshotOf(target)?.segments.values() ?? []];
}

/** One of a list, put into the answers. */
async function choose<Value>(frame: Frame, placeholder: string, items: (signal: AbortSignal) => Promise<readonly Choice<Value>[]>, isCurrent: (value: Value) => boolean, take: (value: Value) => Answers): Promise<Answer<Answers>> {
  const chosen = await askPick<Choice<Value>>(frame, { placeholder, items, isCurrent: ({ value }) => isCurrent(value) });
  if (chosen === undefined || chosen === BACK) return chosen;
  const [first] = chosen;
  return first && take(first.value);
}

function askModel({ target, registry }: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const items = async (signal: AbortSignal): Promise<Choice<string>[]> => {
    const { items: known } = await (await registry()).listModels({}, signal);
    const mapped = target.models.flatMap(({ registeredModel }) => registeredModel ?? []);
    const names = [...new Set([...mapped, ...known.map(({ name }) => name)])];
    return names.map((value) => ({ label: plainLine(value), description: mapped.includes(value) ? 'in modelswitch.yaml' : '', value }));
  };
  return choose(frame, 'Which model?', items, (value) => value === answers.registered, (registered) => ({ ...answers, registered }));
}

function askVersion(sources: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const mapping = mappingOf(sources, answers);
  const current = mapping?.current ?? 'champion';
  const candidate = mapping?.candidate ?? 'challenger';
  const { registered = '' } = answers;
  const named = ({ version, aliases }: ModelVersion, name: string): boolean => version === name || aliases.includes(name);
  const items = async (signal: AbortSignal): Promise<Choice<string>[]> => {
    const { items: known } = await (await sources.registry()).listVersions(registered, {}, signal);
    const offered = known.filter((each) => !named(each, current) && each.status === 'ready').toSorted((a, b) => Number(named(b, candidate)) - Number(named(a, candidate)));
    if (offered.length === 0) throw new AppError('validation', `${registered} has no version beside the one that serves: register one first.`);
    return offered.map((each) => ({ label: plainLine(versionWords(each.version)), description: plainLine(each.aliases.join(', ')), detail: plainLine(each.description), value: each.version }));
  };
  return choose(frame, `Which version? ${plainLine(current, 40)} serves where the flag is off`, items, (value) => value === answers.version, (version) => ({ ...answers, version }));
}

/** One of the model's own flags; without any an existing flag to adopt, or a new name. */
function askFlag(sources: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const own = mappingOf(sources, answers)?.switches.map(({ flag }) => flag) ?? [];
  const known = own.length > 0 ? own : [...snapshotOf(sources.target)?.flags.keys() ?? []].toSorted();
  const items: Choice<'new' | { readonly flag: string }>[] = [
    ...own.length > 0 ? [] : [{ label: 'A New Flag...', description: 'made at 0 % in every environment', value: 'new' as const }],
    ...known.map((flag) => ({ label: plainLine(flag), description: own.length > 0 ? '' : 'adopted: its rollout is set to 0 %', value: { flag } })),
  ];
  const { choice } = answers;
  const isCurrent = (value: 'new' | { readonly flag: string }): boolean => (value === 'new' || choice === undefined || choice === 'new' ? value === choice : value.flag === choice.flag);
  return choose(frame, 'Behind which flag?', () => Promise.resolve(items), isCurrent, (value) => ({ ...answers, choice: value }));
}

async function askName({ target }: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const { registered = '', newFlag } = answers;
  const validate = (name: string): Promise<string | undefined> => Promise.resolve(
    !isFlagName(name) ? 'Letters, digits and - _ . ~ only, at most 100' : snapshotOf(target)?.flags.has(name) === true ? 'There is a flag of this name: go back and choose it to adopt it.' : undefined,
  );
  const name = await askText(frame, { prompt: 'Name of the new flag; code asks for the flag by it', placeholder: '', value: () => registered.replace(/[^\w.~-]+/g, '-'), validate }, [], newFlag);
  return name === undefined || name === BACK ? name : { ...answers, newFlag: name };
}

function askStickiness({ target: { connection } }: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const { client } = requireOpen(connection);
  let current = answers.stickiness;
  const items = async (signal: AbortSignal): Promise<Choice<string>[]> => {
    const [fields, defaults] = await Promise.all([
      client.readContextFields(signal).catch(() => []),
      client.readProjectDefaults(connection.project, signal).catch(() => undefined),
    ]);
    // Unleash's own `default` may draw anew at each call: no one gets that by pressing Enter.
    if (defaults !== undefined && defaults.stickiness !== 'default') current ??= defaults.stickiness;
    const others = fields.filter(({ stickiness, name }) => stickiness && name !== 'userId' && name !== 'sessionId').map(({ name, description }) => ({ label: plainLine(name), description: plainLine(description), value: name }));
    return [
      { label: 'userId', description: 'a user always gets the same model; the code has to send userId', value: 'userId' },
      { label: 'sessionId', description: 'the same model within a session', value: 'sessionId' },
      { label: 'default', description: 'userId, else sessionId, else random at each call', value: 'default' },
      ...others,
    ];
  };
  return choose(frame, 'Sticky on what? It stays for the whole release', items, (value) => value === current, (stickiness) => ({ ...answers, stickiness }));
}

/** Beside everyone together. Segments that the flag has strategies for already are marked. */
async function askSegments(sources: Sources, answers: Answers, frame: Frame): Promise<Answer<Answers>> {
  const flag = snapshotOf(sources.target)?.flags.get(flagOf(sources, answers) ?? '');
  const present = flag?.environments.flatMap(({ strategies }) => strategies.flatMap(({ segments }) => segments)) ?? [];
  const current = new Set<string | number>(answers.segments ?? present);
  const items = segmentsOf(sources.target).map(({ id, name }) => ({ label: plainLine(name), value: id }));
  const chosen = await askPick<Choice<number>>(frame, { placeholder: 'Segments with a share of their own; none: everyone together', items: () => Promise.resolve(items), isCurrent: ({ value }) => current.has(value), many: true });
  return chosen === undefined || chosen === BACK ? chosen : { ...answers, segments: chosen.map(({ value }) => value) };
}
