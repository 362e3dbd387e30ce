import { openSync, readSync, writeFileSync } from 'node:fs';
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
  /** The most that its thread has worked at one go in that time, as Linux counts it; another process takes nothing from it. */
  readonly busy: number | undefined;
  /** As `blocked` and `busy`, in as long a time without a search. */
  readonly idle: number;
  readonly idleBusy: number | undefined;
  /** From opening the document until all call sites of the folder were known in the extension host. */
  readonly until: number;
}

const schedule = Buffer.alloc(64);
let scheduleFile: number | undefined;

/** How long the main thread has worked until now, in milliseconds; undefined where the system does not tell. The file stays open and is read to one buffer: asked each millisecond, garbage would be measured. */
function worked(): number | undefined {
  try {
    scheduleFile ??= openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const length = readSync(scheduleFile, schedule, 0, schedule.length, 0);
    return Number.parseInt(schedule.toString('latin1', 0, length), 10) / 1e6;
  } catch {
    return undefined;
  }
}

/** The longest of the times between two turns of the event loop, beyond the millisecond that a timer takes anyway. */
class Blocking {
  longest = 0;
  busiest = 0;
  readonly #tells = worked() !== undefined;
  #last = performance.now();
  #lastWorked = worked() ?? 0;
  readonly #timer = setInterval(() => {
    const now = performance.now();
    const work = worked() ?? 0;
    this.longest = Math.max(this.longest, now - this.#last - 1);
    this.busiest = Math.max(this.busiest, work - this.#lastWorked);
    this.#last = now;
    this.#lastWorked = work;
  }, 1);

  end(): { readonly longest: number; readonly busiest: number | undefined } {
    clearInterval(this.#timer);
    return { longest: this.longest, busiest: this.#tells ? this.busiest : undefined };
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
  const { longest: blocked, busiest: busy } = blocking.end();
  if (found.size < 600) throw new Error(`Only ${found.size} files with call sites were found.`);
  const rest = new Blocking();
  await delay(until);
  const { longest: idle, busiest: idleBusy } = rest.end();
  return { blocked, busy, idle, idleBusy, until };
}

/** Called by VS Code inside its extension host. */
export async function run(): Promise<void> {
  hostLog('The extension host is up.');
  const task = JSON.parse(process.env['MODELSWITCH_INDEXING'] ?? '{}') as IndexingTask;
  writeFileSync(task.output, JSON.stringify(await measure(task)));
}
