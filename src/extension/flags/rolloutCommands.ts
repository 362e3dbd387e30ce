import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { audienceChoices, findSegment, type Audience } from '../../core/flags/audienceTarget.ts';
import { environmentOf, type FlagEnvironment } from '../../core/flags/model.ts';
import { DEFAULT_STAGES, planSetRollout, type ChangeNote } from '../../core/flags/planner.ts';
import { describeRollout, percentWords, type Segments } from '../../core/flags/rollout.ts';
import { checkWeights, editableVariants, parseWeights, planSetWeights, weightsText, type Weights } from '../../core/flags/weights.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import { changeFlag, shortTarget, type ChangeParts, type FlagRef } from './changeFlow.ts';
import { flagFacts, rolloutIn } from './facts.ts';

/** The chosen audience, `undefined` in it for everyone; nothing when the person gave up. */
interface Chosen {
  readonly audience: Audience | undefined;
  readonly words: string;
  readonly percent: number;
}

interface Shown {
  readonly environment: FlagEnvironment;
  readonly segments: Segments;
}

function shown({ connections }: ChangeParts, ref: FlagRef): Shown {
  const { flag, snapshot } = flagFacts(connections, ref.connection, ref.flag);
  const environment = flag && environmentOf(flag, ref.environment);
  if (environment === undefined || snapshot === undefined) throw new AppError('notFound', `${ref.flag} in ${ref.environment} is not loaded: refresh and try again.`);
  return { environment, segments: snapshot.segments };
}

/** Asks for whom, where there is a choice, and for the percentage; the change itself is computed from a fresh reading. */
export async function setRollout(parts: ChangeParts, ref: FlagRef, given: { readonly audience: Audience | undefined } | undefined, note: ChangeNote): Promise<void> {
  const { environment, segments } = shown(parts, ref);
  const chosen = given === undefined ? await pickAudience(ref, environment, segments) : choiceOf(environment, segments, given.audience);
  if (chosen === undefined) return;
  const rollout = rolloutIn(flagFacts(parts.connections, ref.connection, ref.flag), ref.environment);
  const answers = await new InputFlow(`Set rollout of ${plainLine(ref.flag)} in ${plainLine(ref.environment)}`, 1).run([{
    prompt: `Per cent of ${plainLine(chosen.words, 60)}, now ${rollout === undefined ? 'unknown' : describeRollout(rollout)}; usual stages: ${DEFAULT_STAGES.join(', ')}`,
    placeholder: '0 to 100',
    value: () => String(Math.floor(environment.enabled ? chosen.percent : 0)),
    validate: (value) => Promise.resolve(/^\s*\d{1,3}\s*%?\s*$/.test(value) && Number.parseInt(value, 10) <= 100 ? undefined : 'A whole number from 0 to 100'),
  }]);
  if (answers === undefined) return;
  const percent = Number.parseInt(answers[0] ?? '', 10);
  await changeFlag(parts, ref, 'Set rollout', (reading, reason) => {
    const plan = planSetRollout(reading, ref.environment, percent, { ...note, reason }, chosen.audience);
    return { verb: chosen.audience === undefined ? `Set to ${shortTarget(plan)}` : `Set ${plainLine(chosen.words, 40)} to ${percent} %`, plan };
  });
}

function choiceOf(environment: FlagEnvironment, segments: Segments, audience: Audience | undefined): Chosen {
  const choices = audienceChoices(environment, segments);
  const known = choices.find((choice) => choice.audience?.segment === audience?.segment);
  if (known !== undefined) return known;
  return { audience, words: `segment ${audience === undefined ? '' : findSegment(audience, [...segments.values()]).name}`, percent: 0 };
}

const A_SEGMENT = 'A Segment...';

/** Everyone, the segments that have a share of their own, and a segment that has none yet. */
async function pickAudience(ref: FlagRef, environment: FlagEnvironment, segments: Segments): Promise<Chosen | undefined> {
  const choices = audienceChoices(environment, segments);
  const [everyone] = choices;
  const others = [...segments.values()].filter(({ id }) => !choices.some(({ audience }) => audience?.segment === id));
  if (choices.length === 1 && others.length === 0) return everyone;
  const title = `Set rollout of ${plainLine(ref.flag)} in ${plainLine(ref.environment)}`;
  const items = choices.map((choice) => ({ label: capital(plainLine(choice.words, 80)), description: environment.enabled ? percentWords(choice.percent) : 'off', choice }));
  const more = others.length === 0 ? [] : [{ label: A_SEGMENT, description: 'that has no share of its own yet', choice: undefined }];
  const picked = await vscode.window.showQuickPick([...items, ...more], { title, placeHolder: 'For whom' });
  if (picked === undefined || picked.choice !== undefined) return picked?.choice;
  const rows = others.map(({ id, name }) => ({ label: plainLine(name, 80), id }));
  const segment = await vscode.window.showQuickPick(rows, { title, placeHolder: 'Segment' });
  return segment && choiceOf(environment, segments, { segment: segment.id });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Asks for the shares of the variants in one line, checked while it is typed. */
export async function setWeights(parts: ChangeParts, ref: FlagRef, note: ChangeNote): Promise<void> {
  const { environment } = shown(parts, ref);
  const variants = editableVariants(environment);
  const names = variants.map(({ name }) => name);
  const typed = names.length === 0 ? '' : await vscode.window.showInputBox({
    title: `Set variant weights of ${plainLine(ref.flag)} in ${plainLine(ref.environment)}`,
    prompt: 'Per cent by variant, 100 together; Enter shows what changes',
    value: weightsText(variants),
    ignoreFocusOut: true,
    validateInput: (text) => weightsProblem(text, names),
  });
  if (typed === undefined) return;
  await changeFlag(parts, ref, 'Set variant weights', (reading, reason) => {
    // Without variants in what is shown, the fresh reading has the last word about whether there are any.
    const weights: Weights = names.length === 0 ? {} : parseWeights(typed, names);
    return { verb: 'Set Weights', plan: planSetWeights(reading, ref.environment, weights, { ...note, reason }) };
  });
}

function weightsProblem(text: string, names: readonly string[]): string | undefined {
  try {
    checkWeights(parseWeights(text, names), names);
    return undefined;
  } catch (error) {
    return plainLine(toAppError(error).message, 200);
  }
}
