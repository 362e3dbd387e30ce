import * as z from 'zod';
import { notebookText, type NotebookText } from '../../core/callsites/notebookText.ts';

const source = z.union([z.string(), z.array(z.string())]);
const notebook = z.object({ cells: z.array(z.object({ cell_type: z.string(), source })) });

/**
 * The code of the cells of a notebook's file; undefined for cells that hold no code.
 * @throws SyntaxError or ZodError when it is no notebook
 */
export function readCells(json: string): readonly (string | undefined)[] {
  const { cells } = notebook.parse(JSON.parse(json));
  return cells.map(({ cell_type: type, source: written }) => (type !== 'code' ? undefined : typeof written === 'string' ? written : written.join('')));
}

/** @throws SyntaxError or ZodError when it is no notebook */
export function readNotebook(json: string): NotebookText {
  return notebookText(readCells(json));
}
