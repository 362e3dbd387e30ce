import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { editorLineStarts } from '../../../src/core/callsites/lines.ts';
import { offsetAt } from '../../../src/core/refactor/edits.ts';
import { wrapInSwitch, wrappedText, type Refused, type Wrapped } from '../../../src/core/refactor/wrap/wrapInSwitch.ts';
import { pythonParser } from '../../unit/callsites/parser.ts';

/** A program with a selected call, between `⟦` and `⟧`, and what wrapping it must give. */
export interface WrapCase {
  readonly name: string;
  readonly text: string;
  readonly selection: { readonly start: number; readonly end: number };
  /** The text, or `refused: reason`. */
  readonly expected: string;
}

export function readWrapCases(): readonly WrapCase[] {
  const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'refactor', 'wrap');
  return globSync(join(folder, '*.py')).toSorted().map((path) => {
    const [marked = '', expected = ''] = readFileSync(path, 'utf8').split('#== ');
    const selection = { start: marked.indexOf('⟦'), end: marked.indexOf('⟧') - 1 };
    return { name: basename(path, '.py'), text: marked.replace(/[⟦⟧]/g, ''), selection, expected: expected.replace(/^wrapped\n/, '') };
  });
}

export async function wrap(text: string, selection: WrapCase['selection'], flag: string | undefined): Promise<Wrapped | Refused> {
  const tree = (await pythonParser()).parse(text);
  try {
    return wrapInSwitch({ text, root: tree.root }, selection, { flag });
  } finally {
    tree.delete();
  }
}

/** The text after wrapping, placeholders as they first stand there. */
export function applied(text: string, result: Wrapped | Refused): string {
  if (result.kind === 'refused') return `refused: ${result.reason}\n`;
  const lines = editorLineStarts(text);
  return text.slice(0, offsetAt(lines, result.range.start)) + wrappedText(result.parts) + text.slice(offsetAt(lines, result.range.end));
}
