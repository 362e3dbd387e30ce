/** Removes what nothing uses any more because call sites went: imports, constants, variables, wrappers. */
import { childrenOf, nearest, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { removeGone, removeStatement, statementOf } from './blocks.ts';
import { bodyOf } from './dropping.ts';
import { contains, functionsNamed, isReflective, occurrences, qualifiedName, roleOf, scopeOf, spanOf } from './names.ts';
import { GONE, Pass } from './pass.ts';
import { isPure } from './purity.ts';
import { isInText } from '../projectTexts.ts';

/** What the rest of the project says about a word. */
export interface Project {
  /** Whether another file may mean the name of this file's module. */
  referencedElsewhere(word: string): boolean;
  /** The same for a name that this file imports. */
  importReferencedElsewhere(word: string): boolean;
  /** Whether another file reads an attribute of this name. */
  isAttributeElsewhere(word: string): boolean;
  /** Whether another file did one or the other before the change. */
  wasUsedElsewhere(word: string): boolean;
}

export interface Unused {
  readonly word: string;
  readonly reason: string;
}

export interface Cleaning {
  readonly source: Source;
  /** The same file before the change. */
  readonly original: Source;
  /** The words that stand less often in some file than before. */
  readonly words: ReadonlySet<string>;
  /** Functions that may go once nothing mentions them, by name. */
  readonly functions: ReadonlySet<string>;
  readonly project: Project;
}

/** One step of cleaning: the edits, and what is unused but stays. */
export function cleanOnce(cleaning: Cleaning): { readonly pass: Pass; readonly left: readonly Unused[] } {
  const { source, words } = cleaning;
  const pass = new Pass(source);
  const left: Unused[] = [];
  for (const word of words) {
    for (const { node, role } of occurrences(source, word, spanOf(source.root))) {
      if (role !== 'bind') continue;
      const reason = removeBinding(pass, cleaning, word, node);
      if (reason !== undefined) left.push({ word, reason });
    }
  }
  for (const { node } of occurrences(source, GONE, spanOf(source.root))) {
    if (!removeEmptyClass(pass, cleaning, node)) removeGone(pass, node);
  }
  return { pass, left };
}

function removeBinding(pass: Pass, cleaning: Cleaning, word: string, node: SyntaxNode): string | undefined {
  const { source, original } = cleaning;
  const statement = statementOf(node);
  const scope = scopeOf(node);
  if (statement.type === 'import_statement' || statement.type === 'import_from_statement') {
    if (!isUnusedImport(cleaning, word, scope)) return undefined;
    if (isTried(statement)) return `\`${word}\` is no longer used; its import is guarded by \`try\``;
    removeImport(pass, statement, node);
    return undefined;
  }
  if (isDefinition(node)) {
    if (cleaning.functions.has(word) && isNowhere(cleaning, word, node)) removeStatement(pass, statement);
    return undefined;
  }
  const assignment = node.parent;
  if (assignment?.type !== 'assignment' || statement.type !== 'expression_statement' || assignment.parent?.id !== statement.id) return undefined;
  const value = assignment.childForFieldName('right');
  if (!value) return undefined;
  if (scope.type !== 'function_definition' && !isRead(original, word, original.root) && !cleaning.project.wasUsedElsewhere(word)) return undefined;
  if (scope.type === 'function_definition') {
    const [before] = functionsNamed(original, qualifiedName(source, scope));
    if (!before || !isUnusedVariable(source, word, scope) || !isRead(original, word, before)) return undefined;
  } else if (scope.type === 'class_definition') {
    if (assignment.childForFieldName('type') !== null || !isNowhere(cleaning, word, node)) return undefined;
    if (!isPlainHolder(cleaning, scope)) return `\`${word}\` is no longer used by its name, but its class may be gone through as a whole`;
  } else if (!isNowhere(cleaning, word, node) || isTried(statement) || word.startsWith('__')) {
    return undefined;
  }
  if (isReflective(source, spanOf(scope))) return `\`${word}\` is no longer used by its name, but the code uses \`exec\`, \`eval\`, \`locals\` or the like`;
  if (!isPure(source, value) && !isClient(source, value)) return `\`${word}\` is no longer used; what is assigned to it may have effects`;
  removeStatement(pass, statement);
  return undefined;
}

function isDefinition(node: SyntaxNode): boolean {
  return node.parent?.type === 'function_definition' && roleOf(node) === 'bind' && node.parent.childForFieldName('name')?.id === node.id;
}

/** Nothing but the binding itself mentions the word, here or in another file. */
function isNowhere({ source, project }: Cleaning, word: string, node: SyntaxNode): boolean {
  const own = occurrences(source, word, spanOf(source.root)).every(({ node: each }) => each.id === node.id);
  if (!own || isInText(source.text, word)) return false;
  return scopeOf(node).type === 'class_definition' ? !project.isAttributeElsewhere(word) : !project.referencedElsewhere(word);
}

function isRead(source: Source, word: string, within: SyntaxNode): boolean {
  return occurrences(source, word, spanOf(within)).some(({ role }) => role === 'load');
}

function isUnusedImport({ source, original, project }: Cleaning, word: string, scope: SyntaxNode): boolean {
  const rest = occurrences(source, word, spanOf(scope));
  if (rest.some(({ role }) => role === 'load' || role === 'declare') || !isRead(original, word, original.root)) return false;
  if (isInAnnotation(source, word)) return false;
  return scope.type !== 'module' || !project.importReferencedElsewhere(word);
}

/** In `__all__` or in an annotation that is written as a text. */
function isInAnnotation(source: Source, word: string): boolean {
  const pattern = new RegExp(`\\b${word}\\b`, 'g');
  return [...source.text.matchAll(pattern)].some(({ index }) => {
    const node = source.root.namedDescendantForIndex(index, index + word.length);
    if (node?.type !== 'string_content') return false;
    const holder = nearest(node, new Set(['type', 'assignment', 'augmented_assignment', 'block']));
    return holder?.type === 'type' || (holder !== undefined && holder.type !== 'block' && textOf(source, holder).startsWith('__all__'));
  });
}

/** Imports that a `try` guards are bound in several ways. */
function isTried(statement: SyntaxNode): boolean {
  const holder = nearest(statement, new Set(['try_statement', 'function_definition', 'class_definition']));
  return holder?.type === 'try_statement';
}

function removeImport(pass: Pass, statement: SyntaxNode, node: SyntaxNode): void {
  const module = statement.childForFieldName('module_name');
  const names = childrenOf(statement).filter((child) => child.id !== module?.id);
  const index = names.findIndex((name) => contains(spanOf(name), node));
  const [name, previous, next] = [names[index], names[index - 1], names[index + 1]];
  const claim = spanOf(statement);
  if (!name || names.length === 1) removeStatement(pass, statement);
  else if (next) pass.change(claim, [{ start: name.startIndex, end: next.startIndex, text: '' }]);
  else pass.change(claim, [{ start: previous?.endIndex ?? name.startIndex, end: name.endIndex, text: '' }]);
}

/** All that the function does with the variable is to assign it. */
function isUnusedVariable(source: Source, word: string, scope: SyntaxNode): boolean {
  return occurrences(source, word, spanOf(scope)).every(({ node, role }) => role === 'label'
    || (role === 'bind' && scopeOf(node).id === scope.id && node.parent?.type === 'assignment' && node.parent.parent?.type === 'expression_statement'));
}

/** A class without bases, or one that nobody uses but for its attributes: members of an enum can be gone through. */
function isPlainHolder({ source, project }: Cleaning, scope: SyntaxNode): boolean {
  const name = scope.childForFieldName('name');
  const bases = scope.childForFieldName('superclasses');
  if (!name || scope.parent?.type === 'decorated_definition') return false;
  if (bases === null || childrenOf(bases).length === 0) return true;
  const className = textOf(source, name);
  const uses = [...source.text.matchAll(new RegExp(`\\b${className}\\b(?!\\.\\w)`, 'g'))].filter(({ index }) => index !== name.startIndex);
  return uses.length === 0 && !project.referencedElsewhere(className);
}

function isClient(source: Source, value: SyntaxNode): boolean {
  const callee = value.type === 'call' ? value.childForFieldName('function') : null;
  const list = value.childForFieldName('arguments');
  return callee !== null && /(?:^|\.)UnleashClient$/.test(textOf(source, callee)) && list !== null && isPure(source, list);
}

/** A class that had nothing but constants which are gone. */
function removeEmptyClass(pass: Pass, cleaning: Cleaning, gone: SyntaxNode): boolean {
  const block = gone.parent?.parent;
  const definition = block?.parent;
  const name = definition?.childForFieldName('name');
  if (definition?.type !== 'class_definition' || !name || bodyOf(definition)?.namedChildren.length !== 1) return false;
  return isNowhere(cleaning, textOf(cleaning.source, name), name) && removeStatement(pass, statementOf(definition));
}
