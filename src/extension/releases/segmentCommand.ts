import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { applyCreateSegment, membersWords, planCreateSegment, segmentValues, valuesProblem } from '../../core/flags/createSegment.ts';
import { mayCreateSegment } from '../../core/flags/permissions.ts';
import type { ContextField } from '../../core/personas/model.ts';
import type { Connection } from '../connection/connection.ts';
import { requireOpen, requireWritable, withProgress, type ChangeParts } from '../flags/changeFlow.ts';
import { askText, BACK, type Frame } from '../platform/inputFlow.ts';
import { askPick, runFlow, type Answer } from '../platform/pickFlow.ts';
import { missingSegments, type MissingSegment, type PlanTexts } from './missingSegments.ts';

interface Answers {
  readonly field?: ContextField;
  readonly values?: string;
}

/**
 * Makes a segment that a plan names and Unleash does not have: asks by which field and values its members are told, shows it, makes it, reads it back. Never without being asked.
 * @throws AppError when it is refused; nothing was written then
 */
export async function createSegment({ connections, files, prompts, log }: PlanTexts & Pick<ChangeParts, 'prompts' | 'log'>, argument: unknown): Promise<void> {
  requireWritable();
  const missing = await choose(missingSegments({ connections, files }), argument);
  if (missing === undefined) return;
  const { connection, segment } = missing;
  const session = requireOpen(connection);
  requirePermission(connection);
  const answers = await runFlow<Answers>(() => `Create the segment ${plainLine(segment, 60)} in Unleash`, [
    { applies: () => true, ask: (state, frame) => askField(state, frame, (signal) => session.client.readContextFields(signal)) },
    { applies: () => true, ask: askValues },
  ], {});
  if (answers?.field === undefined) return;
  const wish = { segment, field: answers.field.name, values: segmentValues(answers.values ?? '') };
  const plan = await withProgress(`Looking whether ${segment} is free...`, (signal) => planCreateSegment(session.client, connection.baseUrl, wish, signal));
  const words = membersWords(plan.constraint);
  const detail = [`Members: ${words}.`, 'Every project of this server may use it. Nobody gets a candidate by it: a stage that names it has to be reached.', plainLine(connection.baseUrl, 200)].join('\n');
  if (!(await prompts.confirm({ message: `Create the segment ${plainLine(segment)} in Unleash?`, detail, verb: 'Create Segment' }))) return;
  requireWritable();
  if (requireOpen(connection) !== session) throw new AppError('conflict', 'The connection changed meanwhile: nothing was written.', { reason: 'session' });
  await withProgress(`Creating the segment ${segment}...`, () => applyCreateSegment(session.client, plan));
  log.info(`create segment ${segment}: ${words}`);
  await session.store.expectChange({ segments: true });
  void vscode.window.showInformationMessage(plainLine(`Created: the segment ${segment}. Its members: ${words}.`, 500));
}

/** Before the questions: an answer that would be refused is not asked for. */
function requirePermission({ identity }: Connection): void {
  if (identity === undefined || mayCreateSegment(identity)) return;
  throw new AppError('forbidden', 'You may not do this: your Unleash user lacks the permission CREATE_SEGMENT. Nothing was written. Ask an administrator for the segment, or name one that there is.', { permission: 'CREATE_SEGMENT' });
}

async function choose(missing: readonly MissingSegment[], argument: unknown): Promise<MissingSegment | undefined> {
  const named = typeof argument === 'object' && argument !== null && 'segment' in argument && typeof argument.segment === 'string' ? argument.segment : undefined;
  const meant = named === undefined ? missing : missing.filter(({ segment }) => segment === named);
  if (meant.length === 0) throw new AppError('validation', named === undefined ? 'Every segment that a plan of modelswitch.yaml names is in Unleash already.' : `No plan of modelswitch.yaml names a segment "${plainLine(named, 60)}" that Unleash does not have.`);
  if (meant.length === 1) return meant[0];
  const items = meant.map((each) => ({ label: plainLine(each.segment), description: plainLine(each.connection.origin), each }));
  return (await vscode.window.showQuickPick(items, { title: 'Which segment?' }))?.each;
}

async function askField(state: Answers, frame: Frame, fields: (signal: AbortSignal) => Promise<readonly ContextField[]>): Promise<Answer<Answers>> {
  const items = async (signal: AbortSignal): Promise<(vscode.QuickPickItem & { readonly field: ContextField })[]> =>
    (await fields(signal)).map((field) => ({ label: plainLine(field.name), description: plainLine(field.description), field }));
  const chosen = await askPick(frame, { placeholder: 'By which context field are members told? The code has to send it', items, isCurrent: ({ field }) => field.name === state.field?.name });
  if (chosen === undefined || chosen === BACK) return chosen;
  const [first] = chosen;
  return first && { ...state, field: first.field };
}

async function askValues(state: Answers, frame: Frame): Promise<Answer<Answers>> {
  const legal = (state.field?.legalValues ?? []).map(({ value }) => value);
  const known = legal.length === 0 ? '' : `; Unleash knows ${legal.slice(0, 10).map((value) => plainLine(value, 40)).join(', ')}`;
  const values = await askText(frame, {
    prompt: `Which values of ${state.field?.name ?? ''}? Separated by commas${known}`, placeholder: 'internal, staff', value: () => '',
    validate: (text) => Promise.resolve(valuesProblem(segmentValues(text), legal)),
  }, [], state.values);
  return values === undefined || values === BACK ? values : { ...state, values };
}
