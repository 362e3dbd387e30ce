/** What a call of an SDK asks for. */
import { restParameter, spreadArguments } from './arguments.ts';
import type { Outcome } from './callSite.ts';
import type { FlagQuestion } from './language.ts';
import type { Resolver } from './resolver.ts';
import type { DynamicValue, Texts, Value } from './texts.ts';
import type { PlacedArgument } from './things.ts';

/** A call of the SDK; `configured`: of a function of which configuration says that it asks, so nobody knows what it makes of the answer. */
export interface AskedQuestion {
  readonly question: FlagQuestion;
  readonly args: readonly PlacedArgument[];
  readonly configured: boolean;
}

export function outcomeOf({ question, args, configured }: AskedQuestion, texts: Texts, resolver: Resolver): Outcome {
  const spread = spreadArguments(args, resolver);
  const byName = new Map<string, PlacedArgument>();
  let position = 0;
  for (const each of spread) {
    const { name, spread: kind } = each.argument;
    if (name !== undefined) byName.set(name, each);
    // What follows `*args` has no known position.
    else if (kind !== undefined) position = kind === 'list' ? question.parameters.length : position;
    else {
      const parameter = question.parameters[position];
      if (parameter !== undefined) byName.set(parameter, each);
      position += 1;
    }
  }
  const parameter = question.parameters[question.keyAt ?? 0] ?? '';
  const more = question.parameters.filter((name) => name !== parameter);
  const key = byName.get(parameter);
  const written = { context: more.some((name) => /context/.test(name) && byName.has(name)), fallback: more.some((name) => /fallback|default/.test(name) && byName.has(name)) };
  const values = key ? texts.evaluate(key.argument.value, key.at).map(asText) : [missing(spread, parameter)];
  return { api: question.api, values, key, arguments: written, wrapper: undefined, steps: configured ? undefined : [], isWrapped: configured };
}

function asText(value: Value): Value {
  return value.kind === 'integer' ? { kind: 'dynamic', cause: 'notText', reason: `\`${value.digits}\` is a number, not text`, needs: [] } : value;
}

function missing(args: readonly PlacedArgument[], parameter: string): DynamicValue {
  const isUnpacked = args.some(({ argument }) => argument.spread !== undefined);
  const needs = args.flatMap((each) => {
    const bound = restParameter(each);
    return bound ? [{ function: bound.home, parameter: bound.binding.name }] : [];
  });
  return { kind: 'dynamic', cause: 'missing', reason: isUnpacked ? 'the arguments are unpacked from a variable' : `the call has no \`${parameter}\` argument`, needs };
}
