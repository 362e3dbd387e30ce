import { childrenOf, type SyntaxNode } from '../syntax.ts';

export interface PatternName {
  /** The property that it is taken from; undefined for what lies deeper or comes by position. */
  readonly key: SyntaxNode | undefined;
  readonly name: SyntaxNode;
}

/** The names that a pattern binds. */
export function patternNames(pattern: SyntaxNode | null): readonly PatternName[] {
  if (!pattern) return [];
  if (pattern.type === 'identifier') return [{ key: undefined, name: pattern }];
  return childrenOf(pattern).flatMap((child): readonly PatternName[] => {
    switch (child.type) {
      case 'shorthand_property_identifier_pattern':
        return [{ key: child, name: child }];
      case 'pair_pattern': {
        const key = child.childForFieldName('key');
        const value = child.childForFieldName('value');
        return value?.type === 'identifier' && key?.type === 'property_identifier' ? [{ key, name: value }] : patternNames(value).map(({ name }) => ({ key: undefined, name }));
      }
      case 'object_assignment_pattern':
        return patternNames(child).map(({ name }) => ({ key: undefined, name })).slice(0, 1);
      case 'assignment_pattern':
        return patternNames(child.childForFieldName('left')).map(({ name }) => ({ key: undefined, name }));
      default:
        return patternNames(child).map(({ name }) => ({ key: undefined, name }));
    }
  });
}

export function boundNames(pattern: SyntaxNode | null): readonly SyntaxNode[] {
  return patternNames(pattern).map(({ name }) => name);
}
