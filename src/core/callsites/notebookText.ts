/** The code of a notebook as one text, with the line (from 0) at which each cell starts; cells count from 1. */
export interface NotebookText {
  readonly text: string;
  readonly cells: readonly { readonly line: number; readonly cell: number }[];
}

/** `%%time` and its like run the rest of the cell as Python; other cell magics hold another language. */
const PYTHON_CELLS = new Set(['time', 'timeit', 'capture', 'prun']);

/** The cells of a notebook in their order, undefined for those that hold no Python: a cell sees what the cells before it define. */
export function notebookText(cells: readonly (string | undefined)[]): NotebookText {
  const lines: string[] = [];
  const starts: { line: number; cell: number }[] = [];
  for (const [index, source] of cells.entries()) {
    if (source === undefined) continue;
    starts.push({ line: lines.length, cell: index + 1 });
    lines.push(...pythonLines(source));
  }
  return { text: `${lines.join('\n')}\n`, cells: starts };
}

/** The lines of a cell; those that are no Python (`%matplotlib`, `!pip install`) are blanked, so that all others keep their places. */
export function pythonLines(source: string): readonly string[] {
  const lines = source.split(/\r\n|\r|\n/);
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
