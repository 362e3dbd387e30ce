import { plainLine } from '../base/words.ts';
import type { Flag } from '../flags/model.ts';
import type { ModelMapping, WorkspaceConfig } from '../workspace/config.ts';
import { quotable, type Problem, type SourceRange } from '../workspace/source.ts';
import { didYouMean } from '../workspace/suggest.ts';
import { roleName, type RegistryView } from './mapping.ts';

/** What the registry knows, beside the view of single models. */
export interface RegistryNames extends RegistryView {
  /** Names of registered models; undefined while their list is not read. */
  readonly names: readonly string[] | undefined;
  /** Known versions of a model, for what was probably meant. */
  readonly versionNames: (model: string) => readonly string[];
}

/**
 * What `modelswitch.yaml` names and the registry or the flags do not have, at its place. Only what was read and is not there is told: nothing
 * while the registry is being read or fails.
 */
export function mappingProblems(config: WorkspaceConfig, view: RegistryNames | undefined, flags: ReadonlyMap<string, Flag> | undefined): Problem[] {
  return config.models.flatMap((model) => [...(view === undefined ? [] : registryProblems(model, view)), ...(flags === undefined ? [] : variantProblems(model, flags))]);
}

function registryProblems(model: ModelMapping, view: RegistryNames): Problem[] {
  const { registeredModel: registered, ranges = {}, range } = model;
  if (registered === undefined) return [];
  const reading = view.model(registered);
  if (reading.error?.code === 'notFound') {
    const message = `The registry has no model "${quotable(registered)}".${didYouMean(registered, view.names ?? []) || ' Register a version of it, or correct the name.'}`;
    return [problem('unknownModel', message, ranges.registeredModel ?? range)];
  }
  const missing = (name: string, place: SourceRange): Problem[] => {
    if (view.detail(registered, name).error?.code !== 'notFound') return [];
    const aliases = (reading.value?.aliases ?? []).map(({ alias }) => alias);
    const what = /^\d+$/.test(name) ? 'version' : 'version or alias';
    const known = aliases.length === 0 ? ' It has no aliases.' : ` Its aliases: ${aliases.slice(0, 10).map(quotable).join(', ')}.`;
    return [problem('unknownVersion', `${quotable(registered)} has no ${what} "${quotable(name)}".${didYouMean(name, [...aliases, ...view.versionNames(registered)]) || known}`, place)];
  };
  // Between two releases there is no candidate: a default that nobody wrote is not missed.
  const places = [
    ...missing(model.current, ranges.current ?? range),
    ...(ranges.candidate === undefined ? [] : missing(model.candidate, ranges.candidate)),
    ...model.switches.flatMap((entry) => Object.entries({ on: entry.on, off: entry.off, ...Object.fromEntries(Object.entries(entry.variants ?? {}).map(([variant, role]) => [`variants.${variant}`, role])) })
      .flatMap(([key, role]) => (roleName(model, role) === role ? missing(role, entry.ranges?.[key] ?? entry.range) : []))),
  ];
  return [...new Map(places.map((each) => [`${each.range.start.offset} ${each.message}`, each])).values()];
}

/** Variants that the file names and no strategy of the flag has, in any environment. */
function variantProblems(model: ModelMapping, flags: ReadonlyMap<string, Flag>): Problem[] {
  return model.switches.flatMap((entry) => {
    const flag = flags.get(entry.flag);
    if (entry.variants === undefined || flag === undefined) return [];
    const known = [...new Set(flag.environments.flatMap(({ strategies }) => strategies.flatMap(({ variants }) => variants.map(({ name }) => name))))];
    return Object.keys(entry.variants).filter((variant) => !known.includes(variant)).map((variant) => {
      const list = known.length === 0 ? ' It has no variants.' : ` It has ${known.slice(0, 10).map(quotable).join(', ')}.`;
      return problem('unknownVariant', `The flag "${quotable(entry.flag)}" has no variant "${quotable(variant)}".${didYouMean(variant, known) || list}`, entry.ranges?.[`variants.${variant}`] ?? entry.range);
    });
  });
}

function problem(code: Problem['code'], message: string, range: SourceRange): Problem {
  return { code, severity: 'warning', message: plainLine(message, 400), range };
}
