import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { hostLog } from '../support/hostLog.ts';

/** What the bench passes by the environment variable `MODELSWITCH_INDEXING`, as JSON. */
export interface IndexingTask {
  readonly output: string;
  /** A file with calls, relative to the folder. */
  readonly file: string;
}

/** Times in milliseconds. */
export interface IndexingTimes {
  /** The longest time for which the extension host heard nothing while the folder was searched, and its call sites came. */
  readonly blocked: number;
  /** The same in as long a time without a search. */
  readonly idle: number;
  /** From opening the document until all call sites of the folder were known in the extension host. */
  readonly until: number;
}

/** Beyond the millisecond that a timer takes anyway. */
class Blocking {
  longest = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.#last - 1);
    this.#last = now;
  }, 1);

  end(): number {
    clearInterval(this.#timer);
    return this.longest;
  }
}

async function measure({ file }: IndexingTask): Promise<IndexingTimes> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  const extension = vscode.extensions.getExtension<Services>('modelswitch.modelswitch');
  if (folder === undefined || extension === undefined) throw new Error('No folder is open, or the extension is not there.');
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, file));
  const { sites, indexes } = await extension.activate();
  if (indexes.stateOf(folder) !== 'none') throw new Error('The folder was searched before it could be measured.');
  await delay(5000);
  const blocking = new Blocking();
  const before = performance.now();
  await sites.read(document);
  if (indexes.stateOf(folder) !== 'reading') throw new Error('The document did not start the search.');
  const found = await indexes.sites();
  const until = performance.now() - before;
  const blocked = blocking.end();
  if (found.size < 600) throw new Error(`Only ${found.size} files with call sites were found.`);
  const rest = new Blocking();
  await delay(until);
  return { blocked, idle: rest.end(), until };
}

/** Called by VS Code inside its extension host. */
export async function run(): Promise<void> {
  hostLog('The extension host is up.');
  const task = JSON.parse(process.env['MODELSWITCH_INDEXING'] ?? '{}') as IndexingTask;
  writeFileSync(task.output, JSON.stringify(await measure(task)));
}
