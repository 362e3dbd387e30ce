import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { plainLine } from '../../core/base/words.ts';
import { detectOnce } from '../../core/callsites/detector.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { pythonDetector } from '../../core/callsites/python/detector.ts';
import { sourceFiles } from '../../adapters/node/sourceFiles.ts';
import { createPythonParser } from '../../adapters/treeSitter/parser.ts';
import { required, writeJson, type Command } from '../context.ts';

/** One call site as `scan` prints it: line and column count from 1, columns in UTF-16 code units. */
interface ScanRow {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly flag: string | null;
  readonly api: string;
  readonly via: string;
  readonly reason?: string;
}

function row(path: string, { api, key, via, range: { start } }: CallSite): ScanRow {
  const place = { path, line: start.line + 1, column: start.character + 1 };
  return key.kind === 'dynamic' ? { ...place, flag: null, api, via, reason: key.reason } : { ...place, flag: key.value, api, via };
}

export const scan: Command = {
  name: 'scan',
  usage: 'scan DIR',
  summary: 'every call that evaluates a flag; needs no server',
  async run({ operands, options, cwd, signal, write }) {
    const folder = resolve(cwd, required(operands[0], 'DIR'));
    const files = await sourceFiles(folder, ['.py'], signal);
    const parser = await createPythonParser({
      runtimeWasm: join(import.meta.dirname, 'web-tree-sitter.wasm'),
      grammarWasm: join(import.meta.dirname, 'tree-sitter-python.wasm'),
    });
    const rows: ScanRow[] = [];
    for (const path of files) {
      signal.throwIfAborted();
      const text = await readFile(join(folder, path), 'utf8');
      if (!pythonDetector.mayHaveCallSites(text)) continue;
      const tree = parser.parse(text);
      try {
        rows.push(...detectOnce(pythonDetector, { text, root: tree.root }).map((site) => row(path, site)));
      } finally {
        tree.delete();
      }
    }
    if (options.json === true) writeJson(write, rows);
    else for (const { path, line, column, api, flag, reason } of rows) write(`${plainLine(path, 1000)}:${line}:${column}  ${api}  ${flag === null ? `dynamic: ${plainLine(reason ?? '', 200)}` : plainLine(flag)}\n`);
    return 0;
  },
};
