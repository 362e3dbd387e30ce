import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { QualityParts } from './lazyQuality.ts';
import { stateOf } from './qualityParts.ts';
import type { QualityReading } from './qualityReader.ts';
import type { QualityRef, QualityStore } from './qualityStore.ts';

export function isQualityRef(argument: unknown): argument is QualityRef {
  return typeof argument === 'object' && argument !== null && 'folder' in argument && typeof argument.folder === 'string' && 'model' in argument && typeof argument.model === 'string';
}

function flagOf(argument: unknown): string | undefined {
  return typeof argument === 'object' && argument !== null && 'flag' in argument && typeof argument.flag === 'string' ? argument.flag : undefined;
}

/**
 * The model that is meant: that of the argument (a model, or a flag), of the flag under the cursor, the only one, or the one that a person chooses; undefined when nobody does.
 * @throws AppError validation when no model has `quality:`, or none of the flag of the argument
 */
export async function chooseReading(store: QualityStore, argument: unknown, { flagUnderCursor, clock }: Pick<QualityParts, 'flagUnderCursor' | 'clock'>): Promise<QualityReading | undefined> {
  await store.update();
  if (isQualityRef(argument)) return store.of(argument);
  const { readings } = store;
  if (readings.length === 0) throw new AppError('validation', 'No model here has a source of quality: add quality: {source: {log: logs/predictions-*.jsonl}} to one in modelswitch.yaml.');
  const editor = vscode.window.activeTextEditor;
  const named = flagOf(argument);
  const flag = named ?? (editor === undefined ? undefined : flagUnderCursor(editor));
  const meant = readings.filter(({ model }) => model.switches.some((each) => each.flag === flag));
  if (named !== undefined && meant.length === 0) throw new AppError('validation', `No model behind ${plainLine(named)} has a source of quality: add quality: {source: {log: logs/predictions-*.jsonl}} to one in modelswitch.yaml.`);
  const candidates = meant.length > 0 ? meant : readings;
  if (candidates.length === 1) return candidates[0];
  const items = candidates.map((reading) => ({ label: plainLine(reading.model.name), description: plainLine(`${reading.folder.name} · ${reading.model.switches.map((each) => each.flag).join(', ')}`), detail: plainLine(stateOf(reading, clock.now()).words), reading }));
  return (await vscode.window.showQuickPick(items, { title: flag === undefined || meant.length === 0 ? 'Quality in production' : `Quality in production of ${plainLine(flag)}`, placeHolder: 'Which model?' }))?.reading;
}
