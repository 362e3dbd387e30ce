/** Puts marks in the place of call sites, where dropping the call with its arguments changes nothing else. */
import { childrenOf, isField, type SyntaxNode } from '../../callsites/syntax.ts';
import { statementOf } from './blocks.ts';
import { isPrinted } from './names.ts';
import { boolMark, markText, type Pass } from './pass.ts';
import { effectsOf, isPure } from './purity.ts';
import { keepEffects } from './statements.ts';

/** A call site to mark: its number, where it is, and what it gives; undefined while that depends on a wrapper. */
export interface MarkedSite {
  readonly site: number;
  readonly start: number;
  readonly end: number;
  readonly gives: boolean | 'variant' | undefined;
}

/** Marks a site; otherwise the reason to leave it. */
export function markSite(pass: Pass, marked: MarkedSite): string | undefined {
  const { source } = pass;
  const node = source.root.namedDescendantForIndex(marked.start, marked.end);
  if (node?.startIndex !== marked.start || node.endIndex !== marked.end || (node.type !== 'call' && node.type !== 'attribute')) return 'the text is not what the call sites were found in';
  const whole = node.parent?.type === 'await' ? node.parent : node;
  if (whole.hasError) return 'there is a syntax error in it';
  if (whole.parent?.type === 'decorator') return 'it is a decorator';
  if (isPrinted(source, whole)) return 'an f-string prints the expression itself';
  const receiver = node.type === 'call' ? node.childForFieldName('function') : node;
  if (receiver && !isPlainReceiver(pass, receiver)) return 'what stands before it may have effects';
  const list = node.type === 'call' ? node.childForFieldName('arguments') : null;
  const edit = { start: whole.startIndex, end: whole.endIndex, text: markTextOf(marked) };
  const effectful = childrenOf(list ?? node).find((argument) => list !== null && !isPure(source, argument));
  if (!list || !effectful) return pass.change(edit, [edit]) ? undefined : 'it stands inside the arguments of another call of the flag';
  if (marked.gives === undefined || !effectsOf(source, list)) return 'one of its arguments may have effects';
  return keepEffects(pass, statementOf(node), list, edit, marked.site) ? undefined : `\`${shortened(pass.text(effectful))}\` may have effects, and stands where it cannot become a statement of its own`;
}

function markTextOf({ gives, site }: MarkedSite): string {
  if (gives === 'variant') return markText('variant', site);
  return gives === undefined ? markText('call', site) : boolMark(gives, site);
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

const GETTER = /^_*(?:get_|current_)|client$|unleash|flags$/i;

/** A name, attributes and items of one, and getters without arguments: to ask for the client is no effect of its own. */
function isPlainReceiver(pass: Pass, node: SyntaxNode): boolean {
  if (node.type !== 'call') return isPure(pass.source, node) || childrenOf(node).slice(0, 1).every((child) => isPlainReceiver(pass, child));
  const callee = node.childForFieldName('function');
  const list = node.childForFieldName('arguments');
  const name = callee?.type === 'attribute' ? callee.childForFieldName('attribute') : callee;
  if (!callee || name?.type !== 'identifier' || list?.type !== 'argument_list' || childrenOf(list).length > 0) return false;
  return GETTER.test(pass.text(name)) && (callee.type === 'identifier' || isPlainReceiver(pass, callee));
}

/** Names of functions that are passed as the fallback of a call. */
export function fallbackNames(pass: Pass, marked: MarkedSite): readonly string[] {
  const node = pass.source.root.namedDescendantForIndex(marked.start, marked.end);
  const list = node?.childForFieldName('arguments');
  const values = list ? childrenOf(list).flatMap((child) => {
    if (child.type !== 'keyword_argument') return [];
    const value = child.childForFieldName('value');
    return value?.type === 'identifier' && isField(child, 'value', value) && pass.text(child).startsWith('fallback') ? [pass.text(value)] : [];
  }) : [];
  const third = list ? childrenOf(list)[2] : undefined;
  return third?.type === 'identifier' ? [...values, pass.text(third)] : values;
}
