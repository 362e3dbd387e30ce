/** Simplifies statements whose condition is the known answer of a flag, by one step. */
import { childrenOf, isField, type SyntaxNode } from '../../callsites/syntax.ts';
import { bodyLines, linesEnd, removeStatement, unfolded, wouldBeDocstring } from './blocks.ts';
import { bodyOf, branchesOf, leaves, whyNotDrop } from './dropping.ts';
import { isEvaluatedFirst } from './expressions.ts';
import { indentationAt, lineStart, newlineOf, startsItsLine } from './lines.ts';
import { answerOf, boolMark, isCondition, markOf, type Pass } from './pass.ts';
import { effectsOf, isPure } from './purity.ts';

export function simplifyStatement(pass: Pass, node: SyntaxNode): boolean {
  const answer = answerOf(pass.source, node);
  const { parent } = node;
  if (answer === undefined || !parent) return false;
  switch (parent.type) {
    case 'if_statement': return isCondition(parent, node) && ifStatement(pass, parent, node, answer);
    case 'elif_clause': return isCondition(parent, node) && elifClause(pass, parent, node, answer);
    case 'while_statement': return isCondition(parent, node) && !answer && whileStatement(pass, parent);
    case 'assert_statement': return answer && isFirstChild(parent, node) && whyNotDrop(pass, [parent]) === undefined && removeStatement(pass, parent);
    case 'if_clause': return ifClause(pass, parent, node, answer);
    case 'expression_statement': return childrenOf(parent).length === 1 && removeStatement(pass, parent);
    case 'match_statement': return isFirstChild(parent, node) && matchStatement(pass, parent, answer);
    case 'return_statement': return tryOf(parent, (statement) => tryStatement(pass, statement));
    case 'assignment': return isField(parent, 'right', node) && parent.parent !== null && tryOf(parent.parent, (statement) => tryStatement(pass, statement));
    default: return false;
  }
}

function isFirstChild(parent: SyntaxNode, node: SyntaxNode): boolean {
  return childrenOf(parent)[0]?.id === node.id;
}

function refuse(pass: Pass, node: SyntaxNode, reason: string): false {
  const mark = markOf(pass.source, node);
  if (mark) pass.reasons.set(mark.site, reason);
  return false;
}

/** The statement's lines with all its clauses and the comments in them. */
function wholeLines(pass: Pass, statement: SyntaxNode): { readonly start: number; readonly end: number } {
  const { text } = pass.source;
  const last = branchesOf(statement).at(-1) ?? statement;
  const body = bodyLines(pass.source, last);
  const end = body?.indentation === undefined ? linesEnd(pass.source, statement.endIndex, '') : Math.max(body.end, statement.endIndex);
  return { start: lineStart(text, statement.startIndex), end };
}

function ifStatement(pass: Pass, statement: SyntaxNode, node: SyntaxNode, answer: boolean): boolean {
  const [own, next, ...more] = branchesOf(statement);
  const body = bodyOf(statement);
  if (!own || !body) return false;
  if (!answer && next?.type === 'elif_clause') {
    const reason = whyNotDrop(pass, [body]);
    if (reason !== undefined) return refuse(pass, node, reason);
    const keyword = next.startIndex + 'el'.length;
    return pass.change({ start: statement.startIndex, end: next.endIndex }, [{ start: statement.startIndex, end: keyword, text: '' }]);
  }
  const kept = answer ? own : next;
  const dropped = [...answer ? [next, ...more] : [body]].filter((each) => each !== undefined);
  return unfold(pass, { statement, node, kept, dropped });
}

interface Unfolding {
  readonly statement: SyntaxNode;
  readonly node: SyntaxNode;
  /** The clause whose body stays; undefined when nothing does. */
  readonly kept: SyntaxNode | undefined;
  readonly dropped: readonly SyntaxNode[];
}

/** Puts the body of a clause in the place of its statement; what it makes unreachable goes too. */
function unfold(pass: Pass, { statement, node, kept, dropped }: Unfolding): boolean {
  const { source } = pass;
  const block = statement.parent;
  const body = kept && bodyOf(kept);
  if (!block) return false;
  const ends = body !== undefined && leaves(body);
  const siblings = childrenOf(block);
  const after = ends ? siblings.slice(siblings.findIndex(({ id }) => id === statement.id) + 1) : [];
  const reasonAfter = whyNotDrop(pass, [...dropped, ...after]);
  const reason = reasonAfter === undefined ? undefined : whyNotDrop(pass, dropped);
  if (reason !== undefined) return refuse(pass, node, reason);
  const isCut = ends && reasonAfter === undefined && after.length > 0;
  const isFirst = siblings[0]?.id === statement.id;
  if (isFirst && wouldBeDocstring(block, body ? childrenOf(body)[0] : siblings[1])) return refuse(pass, node, 'a text in the code would become the docstring');
  const lines = wholeLines(pass, statement);
  const indentation = indentationAt(source.text, statement.startIndex);
  const end = isCut ? Math.max(lines.end, linesEnd(source, block.endIndex, indentation)) : lines.end;
  const comments = kept?.type === 'else_clause' ? commentsAbove(pass, kept) : '';
  const text = kept ? comments + unfolded(source, kept, indentation) : '';
  if (text === '' && !isCut) return removeStatement(pass, statement);
  // The text ends without a line ending where the file does.
  const cut = end === source.text.length && !/[\r\n]$/.test(source.text) ? text.replace(/(?:\r\n|\r|\n)$/, '') : text;
  return pass.change({ start: block.startIndex, end: Math.max(end, block.endIndex) }, [{ start: lines.start, end, text: cut }]);
}

/** The comment lines right above an `else:`, which speak of it. */
function commentsAbove(pass: Pass, clause: SyntaxNode): string {
  const { text } = pass.source;
  const indentation = indentationAt(text, clause.startIndex);
  let start = lineStart(text, clause.startIndex);
  const end = start;
  while (start > 0) {
    const line = text.slice(lineStart(text, start - 1), start);
    if (!line.startsWith(`${indentation}#`)) break;
    start -= line.length;
  }
  return text.slice(start, end);
}

function elifClause(pass: Pass, clause: SyntaxNode, node: SyntaxNode, answer: boolean): boolean {
  const { text } = pass.source;
  const statement = clause.parent;
  const body = bodyOf(clause);
  if (!statement || !body) return false;
  const branches = branchesOf(statement);
  const index = branches.findIndex(({ id }) => id === clause.id);
  const dropped = answer ? branches.slice(index + 1) : [clause];
  const reason = whyNotDrop(pass, dropped);
  if (reason !== undefined) return refuse(pass, node, reason);
  const claim = { start: statement.startIndex, end: statement.endIndex };
  const own = bodyLines(pass.source, clause);
  const ownEnd = own?.indentation === undefined ? linesEnd(pass.source, clause.endIndex, '') : own.end;
  // An `else` with nothing in it says nothing.
  const isEmpty = body.namedChildren.every(({ type }) => type === 'pass_statement');
  if (!answer || isEmpty) {
    const end = answer ? Math.max(ownEnd, wholeLines(pass, statement).end) : ownEnd;
    return pass.change({ start: claim.start, end: Math.max(claim.end, end) }, [{ start: lineStart(text, clause.startIndex), end, text: '' }]);
  }
  const head = { start: clause.startIndex, end: node.endIndex, text: 'else' };
  const rest = dropped.length === 0 ? [] : [{ start: ownEnd, end: wholeLines(pass, statement).end, text: '' }];
  return pass.change({ start: claim.start, end: Math.max(claim.end, rest[0]?.end ?? 0) }, [head, ...rest]);
}

/** `while False` never runs its body; its `else` runs once. */
function whileStatement(pass: Pass, statement: SyntaxNode): boolean {
  const body = bodyOf(statement);
  const condition = statement.childForFieldName('condition');
  if (!body || !condition) return false;
  const kept = branchesOf(statement).find(({ type }) => type === 'else_clause');
  return unfold(pass, { statement, node: condition, kept, dropped: [body] });
}

/** `if True` in a comprehension, or as the guard of a case, says nothing. A case that never matches goes when it captures nothing. */
function ifClause(pass: Pass, clause: SyntaxNode, node: SyntaxNode, answer: boolean): boolean {
  const holder = clause.parent;
  if (!holder) return false;
  if (answer) {
    const before = pass.source.text.slice(0, clause.startIndex).trimEnd().length;
    return pass.change({ start: holder.startIndex, end: holder.endIndex }, [{ start: before, end: clause.endIndex, text: '' }]);
  }
  if (holder.type !== 'case_clause') return false;
  const pattern = holder.namedChildren.find(({ type }) => type === 'case_pattern');
  const isPlain = pattern !== undefined && /^(?:_|[-\d.]+|None|True|False|(["'])[^"'\\{}]*\1)$/.test(pass.text(pattern));
  const cases = childrenOf(holder.parent ?? holder).filter(({ type }) => type === 'case_clause');
  if (!isPlain || cases.length < 2) return refuse(pass, node, 'the pattern of the case may bind names');
  const reason = whyNotDrop(pass, [holder]);
  return reason === undefined ? removeCase(pass, holder) : refuse(pass, node, reason);
}

function removeCase(pass: Pass, clause: SyntaxNode): boolean {
  const { text } = pass.source;
  const start = lineStart(text, clause.startIndex);
  const body = bodyLines(pass.source, clause);
  const end = body?.indentation === undefined ? linesEnd(pass.source, clause.endIndex, '') : body.end;
  const match = clause.parent ?? clause;
  return startsItsLine(text, clause.startIndex) && pass.change({ start: match.startIndex, end: Math.max(match.endIndex, end) }, [{ start, end, text: '' }]);
}

/** The first of `case True`, `case False` and `case _` that takes the answer, when all before it are of that kind. */
function matchStatement(pass: Pass, statement: SyntaxNode, answer: boolean): boolean {
  const subject = childrenOf(statement)[0];
  const cases = (bodyOf(statement)?.namedChildren ?? []).filter(({ type }) => type === 'case_clause');
  if (!subject) return false;
  for (const clause of cases) {
    const parts = childrenOf(clause).filter(({ type }) => type !== 'block');
    const pattern = parts.length === 1 ? pass.text(parts[0] ?? clause) : '';
    if (!['True', 'False', 'None', '_'].includes(pattern)) return refuse(pass, subject, 'the cases of the `match` are not plain True and False');
    if (pattern !== '_' && pattern !== (answer ? 'True' : 'False')) continue;
    return unfold(pass, { statement, node: subject, kept: clause, dropped: cases.filter(({ id }) => id !== clause.id) });
  }
  return unfold(pass, { statement, node: subject, kept: undefined, dropped: cases });
}

function tryOf(statement: SyntaxNode, work: (statement: SyntaxNode) => boolean): boolean {
  const holder = statement.parent?.parent;
  return holder?.type === 'try_statement' && bodyOf(holder)?.id === statement.parent?.id && work(holder);
}

/** A `try` that does nothing but take the answer cannot fail: its handlers go. */
function tryStatement(pass: Pass, statement: SyntaxNode): boolean {
  const { source } = pass;
  const body = bodyOf(statement);
  if (!body || !childrenOf(body).every((each) => isCertain(pass, each))) return false;
  const clauses = statement.namedChildren.filter(({ type }) => type.endsWith('_clause'));
  const returns = leaves(body);
  const last = clauses.find(({ type }) => type === 'finally_clause');
  const otherwise = clauses.find(({ type }) => type === 'else_clause');
  if (returns && last) return false;
  const kept = [statement, ...otherwise && !returns ? [otherwise] : [], ...last ? [last] : []];
  const dropped = clauses.filter((clause) => !kept.includes(clause));
  if (whyNotDrop(pass, dropped) !== undefined || !statement.parent) return false;
  const indentation = indentationAt(source.text, statement.startIndex);
  const end = bodyLines(source, clauses.at(-1) ?? statement)?.end ?? statement.endIndex;
  const text = kept.map((clause) => unfolded(source, clause, indentation)).join('');
  return pass.change({ start: statement.parent.startIndex, end: Math.max(statement.parent.endIndex, end) }, [{ start: lineStart(source.text, statement.startIndex), end, text }]);
}

function isCertain(pass: Pass, statement: SyntaxNode): boolean {
  const [inner] = childrenOf(statement);
  if (statement.type === 'pass_statement') return true;
  if (statement.type === 'return_statement') return answerOf(pass.source, inner) !== undefined;
  return inner?.type === 'assignment' && inner.childForFieldName('left')?.type === 'identifier' && answerOf(pass.source, inner.childForFieldName('right')) !== undefined;
}

/**
 * `if check() and <off>:` never enters, but `check()` runs: it stays as a statement before. The same for `or <on>`.
 * `node` is the answer on the right.
 */
export function simplifyEffectfulCondition(pass: Pass, node: SyntaxNode): boolean {
  const { source } = pass;
  const whole = node.parent;
  const answer = answerOf(source, node);
  const statement = whole?.parent;
  const left = whole?.childForFieldName('left');
  if (answer === undefined || whole?.type !== 'boolean_operator' || statement?.type !== 'if_statement' || !isCondition(statement, whole) || !left) return false;
  const operator = whole.childForFieldName('operator');
  if (!operator || (pass.text(operator) === 'and') === answer || isPure(source, left) || /[\r\n]/.test(pass.text(left))) return false;
  return keepEffects(pass, statement, left, { start: whole.startIndex, end: whole.endIndex, text: boolMark(answer, markOf(source, node)?.site ?? 0) }, markOf(source, node)?.site ?? 0);
}

/** Replaces an expression and puts what it may do in front of its statement; false where the order would be another. */
export function keepEffects(pass: Pass, statement: SyntaxNode, effectful: SyntaxNode, edit: { start: number; end: number; text: string }, site: number): boolean {
  const { source } = pass;
  const effects = effectsOf(source, effectful);
  if (!effects || !startsItsLine(source.text, statement.startIndex) || !isEvaluatedFirst(effectful.parent ?? effectful, statement)) return false;
  const indentation = indentationAt(source.text, statement.startIndex);
  const newline = newlineOf(source.text);
  const lines = effects.map((effect) => asStatement(pass, effect));
  const at = lineStart(source.text, statement.startIndex);
  const done = pass.change({ start: statement.startIndex, end: statement.endIndex }, [edit, { start: at, end: at, text: lines.map((line) => `${indentation}${line}${newline}`).join('') }]);
  if (done) pass.effects.push(...lines.map((words) => ({ site, words })));
  return done;
}

function asStatement(pass: Pass, effect: SyntaxNode): string {
  if (effect.type !== 'named_expression') return pass.text(effect);
  return `${pass.text(childrenOf(effect)[0] ?? effect)} = ${pass.text(childrenOf(effect)[1] ?? effect)}`;
}
