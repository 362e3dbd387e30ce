import { finishRelease } from './finishRelease.ts';
import type { FinishRequest, FinishResult, FlagSite, Parse, RefactorFile } from './model.ts';
import type { CellEdits, NotebookCode } from './notebook.ts';

export interface NotebookFinish extends FinishResult {
  /** What becomes of the cells of the notebooks that are changed, by file. */
  readonly cells: ReadonlyMap<string, readonly CellEdits[]>;
}

/**
 * Finishes a release in files, some of which are notebooks: their texts and call sites are those of `NotebookCode`. A notebook whose
 * change does not fit its cells is left as it is, with the calls in it.
 */
export function finishInNotebooks(files: readonly RefactorFile[], notebooks: ReadonlyMap<string, NotebookCode>, request: FinishRequest, sites: readonly FlagSite[], parse: Parse): NotebookFinish {
  let now = files;
  // Every further attempt freezes one notebook more.
  for (;;) {
    const result = finishRelease(now, request, sites, parse);
    const cells = new Map<string, readonly CellEdits[]>();
    const unfit = new Set<string>();
    for (const { file, text } of result.files) {
      const edits = notebooks.get(file)?.edits(text);
      if (edits) cells.set(file, edits);
      else if (notebooks.has(file)) unfit.add(file);
    }
    if (unfit.size === 0) return { ...result, cells };
    now = now.map((file) => (unfit.has(file.path) ? { ...file, frozen: 'in its notebook it meets lines that are no Python' } : file));
  }
}
