/** Where the class of shadow calls stands in a file, or goes. */
import { childrenOf, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import type { SpanEdit } from '../edits.ts';
import { lineEnd, newlineOf, nextLine } from '../python/lines.ts';
import { descendants, FUNCTION_SCOPES, occurrences, scopeOf, spanOf } from '../python/names.ts';
import { stringLiteral, usualQuote } from '../python/quotes.ts';
import { refused } from './shadowAnswer.ts';
import { SHADOW_CLASS, SHADOW_CLASS_NAME, SHADOW_LOG, SHADOW_NAME, SHADOW_SIGNATURE } from './shadowHelper.ts';
import type { Refused } from './wrapInSwitch.ts';

const GROUPS: ReadonlySet<string> = new Set(['if_statement', 'try_statement']);

/** Puts the class and its object into the file; undefined where they are there already. `place` is where the object is used. */
export function helperFor(source: Source, place: SyntaxNode): SpanEdit | Refused | undefined {
  const bound = (name: string): readonly SyntaxNode[] => occurrences(source, name, spanOf(source.root)).filter(({ role }) => role === 'bind' || role === 'declare').map(({ node }) => node);
  const [objects, classes] = [bound(SHADOW_NAME), bound(SHADOW_CLASS_NAME)];
  const statement = topLevel(place);
  if (classes.some((each) => !isOurs(source, each))) return refused(`the file has another \`${SHADOW_CLASS_NAME}\` than the one that is written: rename it, or remove it if it was written by an earlier version`);
  if (objects.some((each) => !isOurs(source, each)) || objects.length > 1) return refused(`the file has another \`${SHADOW_NAME}\`: rename it`);
  const [object] = objects;
  // Within a function, too: what stands between may call it while the file is loaded.
  if (object !== undefined && object.startIndex > statement.startIndex) return refused(`\`${SHADOW_NAME}\` stands below it, where it is not there yet while the file is loaded: move it up, with its class`);
  if (object !== undefined) return undefined;
  if (classes.length > 0) return refused(`the file has \`${SHADOW_CLASS_NAME}\`, but no \`${SHADOW_NAME} = ${SHADOW_CLASS_NAME}(...)\``);
  return insertion(source, statement);
}

/** Whether a name is bound as it is written, or imported from a file that has it. */
function isOurs(source: Source, bound: SyntaxNode): boolean {
  const { parent } = bound;
  if (!parent || scopeOf(bound).type !== 'module') return false;
  if (parent.type === 'dotted_name' || parent.type === 'aliased_import') return true;
  if (parent.type === 'class_definition') return textOf(source, parent).includes(SHADOW_SIGNATURE);
  const right = parent.type === 'assignment' ? parent.childForFieldName('right') : null;
  return right?.type === 'call' && textOf(source, right).startsWith(`${SHADOW_CLASS_NAME}(`);
}

function topLevel(place: SyntaxNode): SyntaxNode {
  let node = place;
  while (node.parent && node.parent.type !== 'module') node = node.parent;
  return node;
}

/** Behind the last import above, else behind the documentation of the file, else on top. */
function insertion(source: Source, statement: SyntaxNode): SpanEdit | Refused {
  const { text, root } = source;
  const newline = newlineOf(text);
  const statements = childrenOf(root);
  const before = statements.filter((each) => each.startIndex < statement.startIndex && isImport(each)).at(-1) ?? documentationOf(statements);
  const at = before === undefined ? topOf(text) : nextLine(text, before.endIndex);
  if (statements.some(({ startIndex, endIndex }) => startIndex < at && endIndex > at)) return refused('statements share a line with the imports of the file');
  const isOpen = before !== undefined && lineEnd(text, before.endIndex) === text.length;
  const lines = [...(before === undefined ? [] : ['', '']), ...SHADOW_CLASS.trimEnd().split('\n'), '', '', `${SHADOW_NAME} = ${SHADOW_CLASS_NAME}(${stringLiteral(SHADOW_LOG, usualQuote(text))})`, ''];
  const isFollowed = /^[ \t]*\S/.test(text.slice(at));
  return { start: at, end: at, text: `${isOpen ? newline : ''}${lines.join(newline)}${isFollowed ? newline.repeat(2) : ''}` };
}

/** An import, or an `if` or `try` around some. */
function isImport(statement: SyntaxNode): boolean {
  if (/^(?:future_)?import(?:_from)?_statement$/.test(statement.type)) return true;
  return GROUPS.has(statement.type) && [...descendants(statement, ({ type }) => !FUNCTION_SCOPES.has(type))].some(({ type }) => /^import(?:_from)?_statement$/.test(type));
}

function documentationOf([first]: readonly SyntaxNode[]): SyntaxNode | undefined {
  return first?.type === 'expression_statement' && first.namedChildren[0]?.type === 'string' ? first : undefined;
}

/** Below the lines that must stay on top: the interpreter's and that of the encoding, which may be the second. */
function topOf(text: string): number {
  return /^\uFEFF?(?:(?:#.*(?:\r\n|\r|\n))?#.*coding[:=].*(?:\r\n|\r|\n)|#!.*(?:\r\n|\r|\n))?/.exec(text)?.[0].length ?? 0;
}
