import { editorLineStarts } from '../../../src/core/callsites/lines.ts';
import { offsetAt } from '../../../src/core/refactor/edits.ts';
import { addShadowCall } from '../../../src/core/refactor/wrap/shadowCall.ts';
import { wrappedText } from '../../../src/core/refactor/wrap/wrapInSwitch.ts';
import { pythonParser } from '../../unit/callsites/parser.ts';

/** The places to fill in of the shadow call for the first question of a flag in a text. */
export async function placeholdersOf(text: string): Promise<readonly string[]> {
  const at = text.indexOf('is_enabled');
  const parser = await pythonParser();
  const tree = parser.parse(text);
  try {
    const result = addShadowCall({ text, root: tree.root }, { start: at, end: at }, (code) => parser.parse(code));
    if (result?.kind !== 'shadowed') throw new Error(result?.reason ?? 'nothing');
    return result.insertions.flatMap(({ parts }) => parts.flatMap((part) => (typeof part === 'string' ? [] : [part.placeholder])));
  } finally {
    tree.delete();
  }
}

/** A text with a shadow call for its first question of a flag; `refused: reason`; `nothing` where no flag is asked. `isBroken`: as if what is written had a syntax error. */
export async function withShadow(text: string, isBroken = false): Promise<string> {
  const at = text.indexOf('is_enabled');
  const parser = await pythonParser();
  const tree = parser.parse(text);
  try {
    const result = addShadowCall({ text, root: tree.root }, { start: Math.max(0, at), end: Math.max(0, at) }, (code) => parser.parse(isBroken ? `${code}(` : code));
    if (result === undefined) return 'nothing';
    if (result.kind === 'refused') return `refused: ${result.reason}`;
    const lines = editorLineStarts(text);
    return [...result.insertions].reverse().reduce((now, { range, parts }) => now.slice(0, offsetAt(lines, range.start)) + wrappedText(parts) + now.slice(offsetAt(lines, range.end)), text);
  } finally {
    tree.delete();
  }
}
