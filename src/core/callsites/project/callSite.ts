import { rangeBetween } from '../lines.ts';
import type { CallSite, FlagApi, FlagKey, KnownKey, Location, Range } from '../model.ts';
import type { BlockRef, BoundName, CallRef } from './blocks.ts';
import type { Binding } from './summary.ts';
import type { Value } from './texts.ts';
import type { PlacedArgument } from './things.ts';

/** A function on the way from a call to the SDK, and the call in it that leads on. */
export interface Step {
  readonly block: BlockRef;
  readonly inner: CallRef;
}

/** What one call asks for, on one of the ways that it may go. */
export interface Outcome {
  readonly api: FlagApi;
  readonly values: readonly Value[];
  readonly key: PlacedArgument | undefined;
  readonly arguments: CallSite['arguments'];
  readonly wrapper: BlockRef | undefined;
  /** The functions between the call and the SDK, outermost first; undefined when it may also go another way. */
  readonly steps: readonly Step[] | undefined;
  /** Whether a function of the project, or one that configuration names, stands between the call and the SDK. */
  readonly isWrapped: boolean;
}

/** A call as others see it, from all that it may ask for. */
export function callSite(ref: CallRef, outcomes: readonly [Outcome, ...Outcome[]]): CallSite {
  const { call, block } = ref;
  const [first] = outcomes;
  const range = (start: number, end: number): CallSite['range'] => rangeIn(ref, start, end);
  const values = outcomes.flatMap((outcome) => outcome.values);
  const unknown = values.find((value) => value.kind === 'dynamic');
  const keys = unknown ? [] : knownKeys(values);
  const key: FlagKey = unknown ? { kind: 'dynamic', cause: unknown.cause, reason: unknown.reason } : keys[0] ?? { kind: 'dynamic', cause: 'missing', reason: 'no key was found' };
  const wrapper = first.wrapper && definitionOf(first.wrapper);
  const written = first.key?.argument;
  const within = namesAround(block);
  return {
    api: first.api,
    key,
    keys,
    via: key.kind === 'dynamic' ? 'dynamic' : first.isWrapped ? 'wrapper' : keys.every(({ kind }) => kind === 'literal') ? 'direct' : 'constant',
    range: range(call.start, call.end),
    nameRange: range(call.at, call.at + call.name.length),
    keyRange: written && call.args.includes(written) ? range(written.start ?? 0, written.end ?? 0) : undefined,
    arguments: first.arguments,
    ...(wrapper ? { wrapper } : {}),
    ...(within === '' ? {} : { within }),
    ...throughOf(outcomes),
    ...(key.kind === 'dynamic' && values.every((value) => isUpToCallers(value, block.functions)) ? { upToCallers: true } : {}),
  };
}

function namesAround({ block, parent }: BlockRef): string {
  const outer = parent === undefined ? '' : namesAround(parent);
  const own = block.kind === 'function' || block.kind === 'class' ? block.name : '';
  return [outer, own].filter((name) => name !== '').join('.');
}

function rangeIn({ block, offset }: CallRef, start: number, end: number): Range {
  return rangeBetween(block.module.summary.lines, offset + start, offset + end);
}

/** The functions that the call goes through, when all its ways go through the same. */
function throughOf(outcomes: readonly Outcome[]): Pick<CallSite, 'through'> {
  const [first, ...others] = outcomes.map(({ steps }) => steps);
  if (!first || first.length === 0 || !others.every((steps) => steps?.length === first.length && steps.every(({ block }, index) => block === first[index]?.block))) return {};
  const through = first.flatMap(({ block, inner }) => {
    const definition = definitionOf(block);
    return definition ? [{ ...definition, inner: rangeIn(inner, inner.call.start, inner.call.end) }] : [];
  });
  return through.length === first.length ? { through } : {};
}

function isUpToCallers(value: Value, around: readonly BlockRef[]): boolean {
  return value.kind === 'text' || (value.kind === 'dynamic' && value.needs.some((need) => around.includes(need.function)));
}

function knownKeys(values: readonly Value[]): readonly KnownKey[] {
  const keys = new Map<string, KnownKey>();
  for (const value of values) {
    if (value.kind !== 'text' || keys.has(value.value)) continue;
    const definition = value.from && placeOf(value.from);
    keys.set(value.value, { kind: value.named ? 'constant' : 'literal', value: value.value, ...(definition ? { definition } : {}) });
  }
  return [...keys.values()];
}

function placeOf({ binding, home }: BoundName): Location {
  const start = home.start + binding.at;
  return { path: home.module.path, range: rangeBetween(home.module.summary.lines, start, start + binding.name.length) };
}

/** Where a function is defined, with its name; undefined when it has none. */
export function definitionOf(block: BlockRef): (Location & { readonly name: string }) | undefined {
  const { parent } = block;
  const binding = parent?.block.bindings.find((each) => each.kind === 'block' ? parent.children[each.block] === block : isLambda(each, parent, block));
  if (!parent || !binding) return undefined;
  const owner = parent.kind === 'class' ? `${parent.block.name}.` : '';
  return { ...placeOf({ binding, home: parent }), name: `${owner}${binding.name}` };
}

function isLambda(binding: Binding, parent: BlockRef, block: BlockRef): boolean {
  return binding.kind === 'assign' && binding.value?.kind === 'lambda' && parent.children[binding.value.block] === block;
}
