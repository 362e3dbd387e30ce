import * as vscode from 'vscode';
import type { IndexClient } from '../../adapters/workspaceIndex/indexClient.ts';

/** Searches a folder; when that takes longer than `longMs`, shows how far it is, with a way to stop it. */
export async function showSearch(folder: vscode.WorkspaceFolder, client: IndexClient, longMs: number, stop: () => void): Promise<void> {
  const scan = client.scan();
  const timer = setTimeout(() => {
    void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: `Modelswitch: searching ${folder.name} for calls of flags`, cancellable: true }, async (progress, token) => {
      let shown = 0;
      const reports = client.onDidProgress(({ done, total }) => {
        const percent = total === 0 ? 0 : Math.floor((done / total) * 100);
        if (percent <= shown) return;
        progress.report({ increment: percent - shown, message: `${done} of ${total} files` });
        shown = percent;
      });
      const cancels = token.onCancellationRequested(stop);
      try {
        await scan.catch(() => undefined);
      } finally {
        reports.dispose();
        cancels.dispose();
      }
    });
  }, longMs);
  try {
    await scan;
  } finally {
    clearTimeout(timer);
  }
}
