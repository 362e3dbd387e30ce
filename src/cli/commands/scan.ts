import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { plainLine } from '../../core/base/words.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import { FolderIndex } from '../../adapters/workspaceIndex/folderIndex.ts';
import { readWorkspace } from '../configuration.ts';
import { required, writeJson, type Command } from '../context.ts';

/**
 * One key of a call site as `scan` prints it: line and column count from 1, columns in UTF-16 code units. A call that a condition
 * gives several keys has a row for each. In a notebook `line` counts within the cell `cell`, which counts from 1.
 */
interface ScanRow {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly flag: string | null;
  readonly api: string;
  readonly via: string;
  readonly reason?: string;
  readonly cell?: number;
}

function rows(path: string, { api, key, keys, via, range: { start } }: CallSite, cells: FileSummary['cells']): readonly ScanRow[] {
  const cell = cells?.findLast(({ line }) => line <= start.line);
  const place = { path, line: start.line + 1 - (cell?.line ?? 0), column: start.character + 1 };
  const inCell = cell ? { cell: cell.cell } : {};
  return key.kind === 'dynamic'
    ? [{ ...place, flag: null, api, via, reason: key.reason, ...inCell }]
    : keys.map(({ value }) => ({ ...place, flag: value, api, via, ...inCell }));
}

function line({ path, cell, line: number, column, api, flag, reason, via }: ScanRow): string {
  const place = `${plainLine(path, 1000)}${cell === undefined ? '' : `[${cell}]`}:${number}:${column}`;
  return `${place}  ${api}  ${flag === null ? `dynamic: ${plainLine(reason ?? '', 200)}` : plainLine(flag)}${via === 'wrapper' ? '  (wrapper)' : ''}\n`;
}

export const scan: Command = {
  name: 'scan',
  usage: 'scan DIR',
  summary: 'every call that evaluates a flag; needs no server',
  details: 'Reads every file afresh and keeps no cache.',
  async run({ operands, options, cwd, signal, write, warn }) {
    const folder = resolve(cwd, required(operands[0], 'DIR'));
    const script = join(import.meta.dirname, 'index.worker.cjs');
    const settings = (await readWorkspace({ warn }, folder))?.config?.callsites;
    const files = new FolderIndex({
      folder,
      ...(settings ? { settings, exclude: settings.exclude } : {}),
      parser: { runtimeWasm: join(import.meta.dirname, 'web-tree-sitter.wasm'), pythonWasm: join(import.meta.dirname, 'tree-sitter-python.wasm'), typescriptWasm: join(import.meta.dirname, 'tree-sitter-tsx.wasm') },
      ...(existsSync(script) ? { script } : {}),
    });
    try {
      await files.scan(signal);
      const { index } = files;
      const found = [...index.all()].flatMap(({ path, sites }) => sites.flatMap((site) => rows(path, site, index.summaryOf(path)?.cells)));
      if (options.json === true) writeJson(write, found);
      else for (const row of found) write(line(row));
      for (const { path, limit } of files.limits()) process.stderr.write(`${plainLine(path, 1000)}: ${plainLine(limit, 300)}\n`);
      return 0;
    } finally {
      files.dispose();
    }
  },
};
