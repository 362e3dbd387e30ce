import * as vscode from 'vscode';
import { SUITE_ENDING } from '../../core/suites/schema.ts';
import type { Log } from '../platform/log.ts';

/** What is saved together is tested together. */
const QUIET_MS = 300;
/** Data, code and configuration; the suite itself goes by its ending. */
const WATCHED = /\.(?:py|jsonl|ndjson|csv|parquet|joblib|pkl|onnx)$|(?:^|\/)modelswitch\.yaml$/;

export interface ContinuousParts {
  readonly run: (request: vscode.TestRunRequest, token: vscode.CancellationToken) => Promise<unknown>;
  readonly log: Log;
}

/** The file that an item is in. */
function fileOf(item: vscode.TestItem): string {
  return item.uri?.toString() ?? '';
}

/**
 * Runs again what a request asks for whenever a suite or model code is saved, until it is cancelled: a saved suite's own tests, everything after other files.
 * What is still running then is ended.
 */
export function continuous({ include, exclude, profile }: vscode.TestRunRequest, token: vscode.CancellationToken, { run, log }: ContinuousParts): void {
  let running: vscode.CancellationTokenSource | undefined;
  let timer: NodeJS.Timeout | undefined;
  let saved = new Set<string>();
  const again = (): void => {
    const suites = [...saved].filter((uri) => uri.endsWith(SUITE_ENDING));
    const onlySuites = suites.length === saved.size;
    saved = new Set();
    const wanted = onlySuites && include !== undefined ? include.filter((item) => suites.includes(fileOf(item))) : include;
    if (onlySuites && wanted?.length === 0) return;
    running?.cancel();
    const source = running = new vscode.CancellationTokenSource();
    void run(new vscode.TestRunRequest(wanted, exclude, profile, false), source.token).catch((error: unknown) => log.error('Running suites again', error)).finally(() => source.dispose());
  };
  const listening = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
    if (!uri.path.endsWith(SUITE_ENDING) && !WATCHED.test(uri.path)) return;
    saved.add(uri.toString());
    clearTimeout(timer);
    timer = setTimeout(again, QUIET_MS);
  });
  token.onCancellationRequested(() => {
    listening.dispose();
    clearTimeout(timer);
    running?.cancel();
  });
}
