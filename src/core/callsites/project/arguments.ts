/** Which argument of a call a parameter gets. */
import { lastName, type BlockRef, type BoundName } from './blocks.ts';
import type { Resolver } from './resolver.ts';
import type { Argument, Expression } from './summary.ts';
import { placeIn, type Given, type Place, type PlacedArgument, type Thing } from './things.ts';

export type Parameter = Extract<BoundName['binding'], { kind: 'parameter' }>;

/** The parameters that are bound by calling a method on an object. */
export function skipped({ function: block, self }: { readonly function: BlockRef; readonly self: Thing | undefined }): number {
  if (!block.block.function?.receiver) return 0;
  if (self?.kind === 'instance') return 1;
  const names = block.block.decorators.map(lastName);
  return self?.kind === 'class' && names.includes('classmethod') ? 1 : 0;
}

/** The value of a parameter by the rules of calls: by position, by keyword, else its default. */
export function argumentFor(parameters: readonly Parameter[], name: string, { args, skip }: Given, owner: BlockRef, resolver: Resolver): FoundArgument | undefined {
  const parameter = parameters.find((each) => each.name === name);
  if (!parameter || parameter.rest) return undefined;
  const positional = parameters.filter((each) => !each.rest && each.keywordOnly !== true).slice(skip);
  const index = positional.indexOf(parameter);
  const spread = spreadArguments(args, resolver);
  const byName = spread.find(({ argument }) => argument.name === name);
  if (byName) return { value: byName.argument.value, at: byName.at, written: byName.argument };
  const unknown = spread.findIndex(({ argument }) => argument.spread === 'list');
  const byPosition = spread.filter(({ argument }) => argument.name === undefined && argument.spread === undefined);
  if (index >= 0 && index < byPosition.length) {
    const found = byPosition[index];
    if (found && (unknown === -1 || spread.indexOf(found) < unknown)) return { value: found.argument.value, at: found.at, written: found.argument };
  }
  if (spread.some(({ argument }) => argument.spread !== undefined)) return undefined;
  return parameter.fallback ? { value: parameter.fallback, at: placeIn(owner.parent ?? owner), written: undefined } : undefined;
}

/** What a parameter is worth; `written` is missing for a default. */
export interface FoundArgument {
  readonly value: Expression;
  readonly at: Place;
  readonly written: Argument | undefined;
}

/** Arguments with `*args` and `**kwargs` replaced by what a followed call gave for them. */
export function spreadArguments(args: readonly PlacedArgument[], resolver: Resolver): readonly PlacedArgument[] {
  return args.flatMap((each): readonly PlacedArgument[] => {
    const { argument, at } = each;
    const bound = restParameter(each);
    const given = bound && at.frames.find((frame) => frame.function === bound.home)?.given;
    if (!given) return [each];
    const parameters = resolver.parameters(bound.home);
    const collected = spreadArguments(given.args, resolver);
    if (argument.spread === 'record') {
      const names = new Set(parameters.map(({ name }) => name));
      return collected.filter((one) => one.argument.spread === 'record' || (one.argument.name !== undefined && !names.has(one.argument.name)));
    }
    const before = parameters.slice(given.skip).findIndex(({ rest }) => rest === 'list');
    return collected.filter((one) => one.argument.name === undefined && one.argument.spread !== 'record').slice(Math.max(0, before));
  });
}

/** The parameter that collects what `*args` or `**kwargs` hands on. */
export function restParameter({ argument, at }: PlacedArgument): BoundName | undefined {
  if (argument.spread === undefined || argument.value.kind !== 'name') return undefined;
  const [bound] = at.block.lookup(argument.value.name);
  return bound?.binding.kind === 'parameter' && bound.binding.rest === argument.spread ? bound : undefined;
}
