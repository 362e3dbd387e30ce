import type { FlagApi } from '../model.ts';
import { childrenOf, isFirst, textOf, type Source, type Span, type SyntaxNode } from '../syntax.ts';
import { objectOf, readExpression, startOf, type Expression } from './expressions.ts';

/** A call that asks for a flag if its receiver is an Unleash client. */
export interface CallData {
  readonly kind: 'call';
  readonly api: FlagApi;
  readonly receiver: Expression;
  /** Undefined when no argument can be told to be the key: `missing` says why, as the end of "dynamic key: ". */
  readonly key: Expression | undefined;
  readonly missing: string;
  /** Where the receiver starts, counted from the start of the fact. */
  readonly offset: number;
  /** Where the key's argument stands, counted from the start of the fact. */
  readonly keySpan: Span | undefined;
  readonly context: boolean;
  readonly fallback: boolean;
}

/** The parameters of the Python SDK's methods, in order, after `self`. */
const PARAMETERS: Readonly<Record<FlagApi, readonly string[]>> = {
  is_enabled: ['feature_name', 'context', 'fallback_function'],
  get_variant: ['feature_name', 'context'],
};

/** Reads `receiver.method(...)` from the method's name; undefined for a mention that is no call and for a call without arguments. */
export function readCall(source: Source, name: SyntaxNode, api: FlagApi): (Span & { readonly data: CallData }) | undefined {
  const attribute = name.parent;
  const call = attribute && !isFirst(attribute, name) ? attribute.parent : undefined;
  if (attribute?.type !== 'attribute' || attribute.endIndex !== name.endIndex) return undefined;
  if (call?.type !== 'call' || !isFirst(call, attribute)) return undefined;
  const object = objectOf(attribute);
  const list = call.childForFieldName('arguments');
  // Without an argument it is another API: an Unleash client always needs a flag's name.
  if (!object || !list || childrenOf(list).length === 0) return undefined;
  const given = readArguments(source, list, PARAMETERS[api]);
  const key = given.byName.get('feature_name');
  return {
    start: call.startIndex,
    end: call.endIndex,
    data: {
      kind: 'call',
      api,
      receiver: readExpression(source, object),
      key: key && readExpression(source, key),
      missing: given.unpacked ? 'the arguments are unpacked from a variable' : 'the call has no `feature_name` argument',
      offset: startOf(call) - call.startIndex,
      keySpan: key && { start: key.startIndex - call.startIndex, end: key.endIndex - call.startIndex },
      context: given.byName.has('context'),
      fallback: given.byName.has('fallback_function'),
    },
  };
}

interface Arguments {
  readonly byName: ReadonlyMap<string, SyntaxNode>;
  readonly unpacked: boolean;
}

function readArguments(source: Source, list: SyntaxNode, parameters: readonly string[]): Arguments {
  const byName = new Map<string, SyntaxNode>();
  // `f(x for x in y)`: the generator is the only argument, and it is the list node itself.
  if (list.type !== 'argument_list') return { byName: new Map([[parameters[0] ?? '', list]]), unpacked: false };
  let position = 0;
  let unpacked = false;
  for (const child of childrenOf(list)) {
    if (child.type === 'keyword_argument') {
      const name = child.childForFieldName('name');
      const value = child.childForFieldName('value');
      if (name && value) byName.set(textOf(source, name), value);
    } else if (child.type === 'list_splat' || child.type === 'dictionary_splat') {
      unpacked = true;
      // What follows `*args` has no known position.
      if (child.type === 'list_splat') position = parameters.length;
    } else {
      const parameter = parameters[position];
      if (parameter !== undefined) byName.set(parameter, child);
      position += 1;
    }
  }
  return { byName, unpacked };
}
