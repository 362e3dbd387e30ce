import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { recordEvidence } from '../../core/suites/record.ts';
import type { SuiteReport } from '../../core/suites/report.ts';
import type { SuiteModel } from '../../adapters/suites/suiteModel.ts';
import { Setting, SETTINGS_SECTION } from '../ids.ts';
import { settings } from '../platform/settings.ts';

/** The outcome of one whole suite against one arm, and what writes it down. */
export interface Recordable {
  /** The suite's path by the folder of `modelswitch.yaml`. */
  readonly path: string;
  readonly folder: vscode.WorkspaceFolder;
  readonly report: SuiteReport;
  readonly model: SuiteModel;
}

const RECORD = 'Record';
const ALWAYS = 'Always';
const NEVER = 'Never';

/**
 * Writes outcomes to the versions that answered, where the person or the setting wants it. `wanted`: the run was asked for because of its
 * evidence. Gives a sentence for each that was written. @throws AppError forbidden (read-only), and what the registry throws
 */
export async function writeEvidence(all: readonly Recordable[], wanted: boolean): Promise<string[]> {
  const possible = all.filter(({ model, report }) => model.isMapped && report.tests.length > 0);
  const [first] = possible;
  if (first === undefined) return [];
  if (settings.readOnly()) {
    if (wanted) throw new AppError('forbidden', 'No evidence was written: modelswitch.readOnly is set.', { reason: 'readOnly' });
    return [];
  }
  if (!wanted && !(await mayWrite(first.folder, possible))) return [];
  const written: string[] = [];
  for (const { path, report, model } of possible) {
    const registry = await model.registry();
    if (!registry.capabilities.setTag) throw new AppError('forbidden', `No evidence was written: ${registry.capabilities.reason ?? 'this registry is only read.'}`);
    const { version, verified } = await recordEvidence(report, path, { registry, model: model.registered, version: (arm) => model.version(arm) });
    written.push(plainLine(`${path}: ${report.verdict}, recorded at ${model.registered} ${version}${verified ? '' : ', unverified'}`, 300));
  }
  return written;
}

async function mayWrite({ uri }: vscode.WorkspaceFolder, possible: readonly Recordable[]): Promise<boolean> {
  const setting = settings.recordSuites(uri);
  if (setting === 'always' || setting === 'never') return setting === 'always';
  const words = possible.map(({ path, report }) => `${path} (${report.arm}): ${report.verdict}`);
  const chosen = await vscode.window.showInformationMessage(plainLine(`${words.slice(0, 3).join(', ')}${words.length > 3 ? ` and ${words.length - 3} more` : ''}. Record this at the model's version as evidence for its promotion?`, 500), RECORD, ALWAYS, NEVER);
  if (chosen === ALWAYS || chosen === NEVER) await vscode.workspace.getConfiguration(SETTINGS_SECTION).update(Setting.recordSuites, chosen.toLowerCase(), vscode.ConfigurationTarget.Global);
  return chosen === RECORD || chosen === ALWAYS;
}
