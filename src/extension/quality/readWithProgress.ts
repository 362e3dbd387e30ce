import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
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
