import * as z from 'zod';

const source = z.union([z.string(), z.array(z.string())]);
const notebook = z.object({ cells: z.array(z.object({ cell_type: z.string(), source })) });

/** The code of a notebook as one text, with the line (from 0) at which each cell starts; cells count from 1. */
export interface NotebookText {
  readonly text: string;
  readonly cells: readonly { readonly line: number; readonly cell: number }[];
}

/** `%%time` and its like run the rest of the cell as Python; other cell magics hold another language. */
const PYTHON_CELLS = new Set(['time', 'timeit', 'capture', 'prun']);

/**
 * Reads a notebook: a cell sees what the cells before it define. Lines that are no Python (`%matplotlib`, `!pip install`) are
 * blanked, so that all others keep their places.
 * @throws SyntaxError or ZodError when it is no notebook
 */
export function readNotebook(json: string): NotebookText {
  const { cells } = notebook.parse(JSON.parse(json));
  const lines: string[] = [];
  const starts: { line: number; cell: number }[] = [];
  for (const [index, { cell_type: type, source: written }] of cells.entries()) {
    if (type !== 'code') continue;
    starts.push({ line: lines.length, cell: index + 1 });
    lines.push(...withoutMagics((typeof written === 'string' ? written : written.join('')).split('\n')));
  }
  return { text: `${lines.join('\n')}\n`, cells: starts };
}

function withoutMagics(lines: readonly string[]): readonly string[] {
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const cell = /^%%(\w+)/.exec(first.trim())?.[1];
  return cell !== undefined && !PYTHON_CELLS.has(cell) ? lines.map(() => '') : lines.map(withoutMagic);
}

function withoutMagic(line: string): string {
  // `%time call()` runs the call: a statement of the same length takes the magic's place.
  const timed = /^(\s*)(%time(?:it)?\s+)(\S.*)$/.exec(line);
  if (timed) return `${timed[1] ?? ''}${'None;'.padEnd((timed[2] ?? '').length)}${timed[3] ?? ''}`;
  if (!/^\s*[%!?]/.test(line) && !/^\s*[\w.]+\?{1,2}\s*$/.test(line)) return line;
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  // An empty suite would be a syntax error.
  return indent === '' ? '' : `${indent}pass`;
}
