import * as z from 'zod';

const source = z.union([z.string(), z.array(z.string())]);
const notebook = z.object({ cells: z.array(z.object({ cell_type: z.string(), source }).loose()) }).loose();

/** The code of a notebook as one text, with the line at which each cell starts; cells count from 1. */
export interface NotebookText {
  readonly text: string;
  readonly cells: readonly { readonly line: number; readonly cell: number }[];
}

/** Lines of IPython that are no Python: `%time`, `!pip install x`, `?name`. */
const MAGIC = /^(\s*)(?:%|!|\?)(?!=).*$|^(\s*)[\w.]+\?{1,2}\s*$/;

/**
 * Reads a notebook: a cell sees what the cells before it define. Lines that are no Python become empty, cells that are a whole
 * other language (`%%bash`) too, so that all others keep their places; `%time call()` keeps the call.
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
  if (cell !== undefined && cell !== 'time' && cell !== 'timeit' && cell !== 'capture') return lines.map(() => '');
  return lines.map((line) => {
    if (!MAGIC.test(line)) return line;
    const timed = /^(\s*)%(?:time|timeit)\s+(.*)$/.exec(line);
    if (timed) return `${' '.repeat(line.length - (timed[2] ?? '').length)}${timed[2] ?? ''}`.replace(/^\s+/, (indent) => (timed[1] === '' ? ' '.repeat(0) : indent));
    // An empty suite would be a syntax error.
    const indent = /^\s*/.exec(line)?.[0] ?? '';
    return indent === '' ? '' : `${indent}pass`;
  });
}
