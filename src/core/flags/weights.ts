import { AppError } from '../base/errors.ts';
import { didYouMean } from '../workspace/suggest.ts';
import type { ChangePlan } from './changePlan.ts';
import type { FlagEnvironment, Strategy, StrategyVariant } from './model.ts';
import { ownership } from './ownership.ts';
import { planTo, releaseWords, situation, strategyName, type ChangeNote, type FlagReading, type Situation } from './planning.ts';
import { splitWords } from './rollout.ts';
import { strategyTitle } from './titles.ts';

/** Per cent of those who get the flag on, by variant; at most one decimal, 100 together. */
export type Weights = Readonly<Record<string, number>>;

const WHOLE = 1000;

function invalid(message: string): AppError {
  return new AppError('validation', message, { reason: 'weights' });
}

/** The weights as one writes them: `v1 70, v2 30`. */
export function weightsText(variants: readonly StrategyVariant[]): string {
  return variants.map(({ name, weight }) => `${name} ${weight / 10}`).join(', ');
}

/**
 * Reads `v1 70, v2 30`, also with `=` or `:` between, and `%` behind. Names may hold blanks and commas.
 * @throws AppError validation that names what is wrong
 */
export function parseWeights(text: string, names: readonly string[]): Weights {
  const weights = new Map<string, number>();
  const longestFirst = names.toSorted((a, b) => b.length - a.length);
  let rest = text.trim();
  while (rest !== '') {
    const known = longestFirst.find((name) => rest.startsWith(name) && /^\s*(?:[=:\s]|$|,)/.test(rest.slice(name.length)));
    if (known === undefined) {
      const word = /^[^,=:\s]*/.exec(rest)?.[0] ?? rest;
      throw unknownVariant(word === '' ? rest : word, names);
    }
    const value = /^\s*[=:\s]\s*([^,\s%]+)\s*%?\s*(?:,\s*|$)/.exec(rest.slice(known.length));
    if (value?.[1] === undefined || !/^-?\d+(?:\.\d+)?$/.test(value[1])) throw invalid(`"${known}" needs a percentage behind it, such as "${known} 50".`);
    if (weights.has(known)) throw invalid(`"${known}" is named twice.`);
    weights.set(known, Number(value[1]));
    rest = rest.slice(known.length + value[0].length);
  }
  return Object.fromEntries(weights);
}

function unknownVariant(name: string, names: readonly string[]): AppError {
  return invalid(`There is no variant "${name}".${didYouMean(name, names) || ` There are ${names.join(', ')}.`}`);
}

/**
 * Thousandths by variant.
 * @throws AppError validation for an unknown or missing variant, a share that is none, or a sum that is not 100
 */
export function checkWeights(weights: Weights, names: readonly string[]): ReadonlyMap<string, number> {
  for (const name of Object.keys(weights)) if (!names.includes(name)) throw unknownVariant(name, names);
  const thousandths = new Map<string, number>();
  for (const name of names) {
    const percent = Object.hasOwn(weights, name) ? weights[name] : undefined;
    if (percent === undefined) throw invalid(`"${name}" is missing: name every variant, 0 for one that nobody shall get.`);
    const weight = Math.round(percent * 10);
    if (!(percent >= 0 && percent <= 100)) throw invalid(`"${name}" cannot get ${percent} %: a share is from 0 to 100.`);
    if (Math.abs(weight - percent * 10) > 1e-6) throw invalid(`"${name}" cannot get ${percent} %: Unleash keeps shares to one decimal.`);
    thousandths.set(name, weight);
  }
  const sum = [...thousandths.values()].reduce((total, weight) => total + weight, 0);
  if (sum !== WHOLE) throw invalid(`The shares add up to ${sum / 10} %, not 100 %.`);
  return thousandths;
}

/** What Unleash makes of the weights of `variable` variants: equal parts of what the fixed ones leave, the first of them one more. */
function asUnleashShares(variants: readonly StrategyVariant[]): number[] {
  const rest = WHOLE - variants.reduce((sum, { weight, weightType }) => (weightType === 'fix' ? sum + weight : sum), 0);
  const count = variants.filter(({ weightType }) => weightType === 'variable').length;
  let more = rest % count;
  return variants.map(({ weight, weightType }) => {
    if (weightType === 'fix') return weight;
    more -= 1;
    return Math.floor(rest / count) + (more >= 0 ? 1 : 0);
  });
}

/**
 * The variants with new weights, so that Unleash keeps them: it spreads what fixed weights leave evenly over the variable
 * ones. Fixed ones stay fixed; as many variable ones stay variable as get even parts, one at least.
 */
export function reweighted(variants: readonly StrategyVariant[], weights: ReadonlyMap<string, number>): StrategyVariant[] {
  const weightOf = ({ name }: StrategyVariant): number => weights.get(name) ?? 0;
  const variable = variants.filter(({ weightType }) => weightType === 'variable');
  const alike = variable.map((one) => variable.filter((other) => weightOf(other) === weightOf(one))).toSorted((a, b) => b.length - a.length)[0] ?? [];
  const keeping = (kept: readonly StrategyVariant[]): StrategyVariant[] =>
    variants.map((variant) => ({ ...variant, weight: weightOf(variant), weightType: kept.includes(variant) ? 'variable' : 'fix' }));
  const asTheyAre = keeping(variable);
  if (variable.length > 0 && asUnleashShares(asTheyAre).every((weight, index) => weight === asTheyAre[index]?.weight)) return asTheyAre;
  return keeping(alike.length > 0 ? alike : variants.slice(-1));
}

/** The variants of the strategies that a change of weights edits, from the first enabled one; empty when there are none. */
export function editableVariants(environment: FlagEnvironment, own: ReadonlySet<string> = new Set()): readonly StrategyVariant[] {
  const editable = environment.strategies.filter((strategy) => strategy.variants.length > 0 && isEditable(environment, strategy, own));
  return (editable.find(({ disabled }) => !disabled) ?? editable[0])?.variants ?? [];
}

/**
 * The variants that a change of weights names.
 * @throws AppError notFound when the flag has no such environment; validation when it has no variants there that are edited
 */
export function variantNames(reading: FlagReading, environmentName: string): string[] {
  return requireVariants(situation(reading, environmentName)).map(({ name }) => name);
}

function requireVariants({ reading, environment, own }: Situation): readonly StrategyVariant[] {
  const present = editableVariants(environment, own);
  if (present.length > 0) return present;
  const { name } = reading.detail.flag;
  const foreign = environment.strategies.find(({ variants }) => variants.length > 0);
  throw invalid(foreign === undefined
    ? `${name} has no variants in ${environment.name}: add them to its strategy in Unleash first.`
    : `The variants of ${name} in ${environment.name} are in the strategy ${strategyName(foreign)}, which was not made by Modelswitch and is not edited.`);
}

function isEditable(environment: FlagEnvironment, strategy: Strategy, own: ReadonlySet<string>): boolean {
  return ['own', 'adopted'].includes(ownership(environment, strategy, own));
}

function sameNames(strategy: Strategy, names: readonly string[]): boolean {
  return strategy.variants.length === names.length && strategy.variants.every(({ name }) => names.includes(name));
}

/**
 * A new split of those who get the flag on. All strategies of ours that have these variants get it, because the first
 * strategy that matches decides; what a variant carries, and how it is drawn, stays.
 * @throws AppError validation when the weights or the environment do not fit, saying how
 */
export function planSetWeights(reading: FlagReading, environmentName: string, weights: Weights, note: ChangeNote = {}): ChangePlan {
  const here = situation(reading, environmentName);
  const { environment, own } = here;
  const present = requireVariants(here);
  const names = present.map(({ name }) => name);
  const thousandths = checkWeights(weights, names);
  const isOurs = (strategy: Strategy): boolean => strategy.variants.length > 0 && isEditable(environment, strategy, own);
  const other = environment.strategies.find((strategy) => isOurs(strategy) && !strategy.disabled && !sameNames(strategy, names));
  if (other !== undefined) throw invalid(`The strategy ${strategyName(other)} has other variants (${other.variants.map(({ name }) => name).join(', ')}) than ${names.join(', ')}: give them the same ones in Unleash first.`);
  const split = splitWords(present.filter(({ name }) => (thousandths.get(name) ?? 0) > 0).map(({ name }) => ({ name, share: (thousandths.get(name) ?? 0) / 10 })));
  const title = strategyTitle([releaseWords(here, note), split, note.reason ?? 'set weights']);
  const strategies = environment.strategies.map((strategy) => {
    if (!isOurs(strategy) || !sameNames(strategy, names)) return strategy;
    const variants = reweighted(strategy.variants, thousandths);
    return variants.every((variant, index) => variant.weight === strategy.variants[index]?.weight) ? strategy : { ...strategy, title, variants };
  });
  const warnings = environment.strategies.filter((strategy) => !strategy.disabled && !isEditable(environment, strategy, own)).map((strategy) =>
    `The strategy ${strategyName(strategy)} was not made by Modelswitch: whom it answers first gets ${strategy.variants.length === 0 ? 'no variant' : 'its split'}.`);
  return planTo('set weights', here, { ...environment, strategies }, [], warnings);
}
