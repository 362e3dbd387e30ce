import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { skewMessage } from '../../core/quality/productionWords.ts';
import { refOf } from './qualityParts.ts';
import type { QualityReading } from './qualityReader.ts';
import type { QualityStore } from './qualityStore.ts';

/** Reads a source now, with a notification that shows how far it is and can end it. @throws AppError when it could not be read */
export async function readWithProgress(store: QualityStore, reading: QualityReading): Promise<void> {
  const ref = refOf(reading);
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: plainLine(`Reading the quality of ${ref.model}`), cancellable: true }, async (progress, token) => {
    let told = 0;
    const cancelling = token.onCancellationRequested(() => store.cancel(ref));
    try {
      await store.refresh(ref, (done, total) => {
        const percent = total > 0 ? Math.min(100, (100 * done) / total) : 0;
        progress.report({ increment: Math.max(0, percent - told), message: `${Math.round(percent)} %` });
        told = Math.max(told, percent);
      });
    } finally {
      cancelling.dispose();
    }
  });
  const failed = store.of(ref)?.error;
  if (failed !== undefined) throw failed;
}

/** Has the features of logged requests recomputed, with a notification that can end it, and says what came of it. @throws AppError */
export async function checkSkewWithProgress(store: QualityStore, reading: QualityReading): Promise<void> {
  const ref = refOf(reading);
  const { skew, model } = reading;
  if (reading.definition.skew === undefined) throw new AppError('validation', `Nothing says how the features of ${plainLine(model.name)} are recomputed: add skew: {exec: [python, scripts/features.py]} to its quality: in modelswitch.yaml.`);
  const controller = new AbortController();
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: plainLine(`Recomputing features of ${model.name} by ${reading.definition.skew.command[0] ?? ''}`), cancellable: true }, async (_, token) => {
    const cancelling = token.onCancellationRequested(() => controller.abort());
    try {
      await store.checkSkew(ref, controller.signal);
    } finally {
      cancelling.dispose();
    }
  });
  const found = store.of(ref)?.skew;
  if (found === undefined || found === skew) return;
  const { words, isFine } = skewMessage(found.report);
  void (isFine ? vscode.window.showInformationMessage(words) : vscode.window.showWarningMessage(words));
}
