import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import { contextWords, type ContextField, type EvaluationContext } from '../../core/personas/model.ts';
import { fieldNames } from '../../core/personas/problems.ts';

interface FieldItem extends vscode.QuickPickItem {
  readonly field?: string;
}

const LEAVE_OUT = 'Leave Out';
const OTHER_VALUE = 'Other Value...';

/** Puts a context together, field by field; undefined when the person gave up. */
export async function pickContext(fields: readonly ContextField[], start: EvaluationContext): Promise<EvaluationContext | undefined> {
  let context = start;
  for (;;) {
    const ask: FieldItem = { label: '$(play) Ask', description: plainLine(`with ${contextWords(context)}`, 200), alwaysShow: true };
    const items = fieldNames(fields).map((field): FieldItem => ({
      label: plainLine(field, 60), field, description: plainLine(context[field] ?? '', 80), detail: plainLine(fields.find(({ name }) => name === field)?.description ?? ''),
    }));
    const chosen = await vscode.window.showQuickPick([ask, ...items], { title: 'Which model would this context get?', placeHolder: 'Choose a field to give it a value, then Ask', matchOnDescription: true });
    if (chosen === undefined) return undefined;
    if (chosen.field === undefined) return context;
    context = await withField(context, chosen.field, fields.find(({ name }) => name === chosen.field));
  }
}

async function withField(context: EvaluationContext, field: string, known: ContextField | undefined): Promise<EvaluationContext> {
  const value = await pickValue(field, known, context[field] ?? '');
  if (value === undefined) return context;
  const others = Object.entries(context).filter(([name]) => name !== field);
  return Object.fromEntries(value === '' ? others : [...others, [field, value]]);
}

/** The value; empty to leave the field out; undefined to leave everything as it is. */
async function pickValue(field: string, known: ContextField | undefined, present: string): Promise<string | undefined> {
  const title = `Value of ${plainLine(field, 60)}`;
  if (known !== undefined && known.legalValues.length > 0) {
    const values = known.legalValues.map(({ value, description }) => ({ label: plainLine(value), description: plainLine(description), value }));
    const chosen = await vscode.window.showQuickPick([...values, { label: OTHER_VALUE, value: undefined }, { label: LEAVE_OUT, value: '' }], { title, placeHolder: 'The values that Unleash allows in conditions' });
    if (chosen === undefined) return undefined;
    if (chosen.value !== undefined) return chosen.value;
  }
  return vscode.window.showInputBox({ title, value: present, prompt: field === 'currentTime' ? 'ISO 8601, such as 2030-01-31T12:00:00Z; empty leaves it out' : 'As the application sends it; empty leaves it out' });
}
