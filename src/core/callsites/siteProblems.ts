import { countWords } from '../base/words.ts';
import type { Flag } from '../flags/model.ts';
import { askedWords, isPotentiallyStale, type AskedFlag } from '../flags/serverNotes.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { SourceRange } from '../workspace/source.ts';
import type { CallSite, Range } from './model.ts';

export type SiteProblemCode = 'unknownFlag' | 'archivedFlag' | 'staleFlag' | 'potentiallyStaleFlag';

/** What is to be said of a flag wherever code asks for it. */
export interface FlagVerdict {
  readonly code: SiteProblemCode;
  readonly severity: 'warning' | 'information' | 'hint';
  readonly message: string;
}

/** What is known of a project's flags; it is complete, so what is missing does not exist. */
export interface KnownFlags {
  readonly project: string;
  readonly flags: ReadonlyMap<string, Flag>;
  readonly archived: ReadonlySet<string>;
  readonly asked: ReadonlyMap<string, AskedFlag>;
  readonly lifetimes: ReadonlyMap<string, number>;
}

/** @param now ms since the epoch @param hint ` Did you mean "fraud-v2"?`, or nothing; asked for an unknown flag only */
export function flagVerdict(name: string, known: KnownFlags, now: number, hint: (name: string) => string): FlagVerdict | undefined {
  const flag = known.flags.get(name);
  if (flag === undefined) return known.archived.has(name) ? archivedVerdict(name) : unknownVerdict(name, known, hint(name));
  if (flag.archived) return archivedVerdict(name);
  if (flag.stale) {
    return { code: 'staleFlag', severity: 'information', message: `The flag "${name}" is marked stale in Unleash, and code still asks for it: finish its release, or take the mark back.` };
  }
  if (!isPotentiallyStale(flag, known.lifetimes, now)) return undefined;
  return { code: 'potentiallyStaleFlag', severity: 'hint', message: `The flag "${name}" is potentially stale: it is older than the ${known.lifetimes.get(flag.type) ?? 0} days that Unleash expects of the type ${flag.type}.` };
}

function unknownVerdict(name: string, { project, asked }: KnownFlags, hint: string): FlagVerdict {
  const report = asked.get(name);
  const running = report === undefined ? '' : ` Applications ask for it: ${askedWords(report)}.`;
  return { code: 'unknownFlag', severity: 'warning', message: `Unleash has no flag "${name}" in project ${project}, so it is off for everyone.${hint}${running}` };
}

function archivedVerdict(name: string): FlagVerdict {
  return { code: 'archivedFlag', severity: 'warning', message: `The flag "${name}" is archived in Unleash, so it is off for everyone, and code still asks for it: finish its release, or revive it.` };
}

/** A verdict at the place that it is about. */
export interface SiteProblem extends FlagVerdict {
  readonly flag: string;
  readonly range: Range;
}

/** What is to be said of a file's call sites, in their order. */
export function siteProblems(sites: readonly CallSite[], verdict: (name: string) => FlagVerdict | undefined): readonly SiteProblem[] {
  return sites.flatMap(({ keys, keyRange, nameRange }) => keys.flatMap(({ value }) => {
    const found = verdict(value);
    return found === undefined ? [] : [{ ...found, flag: value, range: keyRange ?? nameRange }];
  }));
}

export interface UncalledFlag {
  readonly flag: string;
  readonly message: string;
  readonly range: SourceRange;
}

/**
 * Flags of models that no code asks for.
 * @param dynamic how many calls have a key that nobody can know from the code: one of them may be meant
 */
export function uncalledFlags(models: readonly ModelMapping[], isCalled: (flag: string) => boolean, dynamic: number): readonly UncalledFlag[] {
  const may = dynamic === 0 ? '' : ` ${dynamic === 1 ? 'One call whose key is computed' : `${countWords(dynamic)} calls whose keys are computed`} may.`;
  return models.flatMap(({ name, switches }) => switches.filter(({ flag }) => !isCalled(flag)).map(({ flag, range }) => ({
    flag,
    message: `No Python, TypeScript or JavaScript of this workspace asks for the flag "${flag}" of the model ${name}.${may}`,
    range,
  })));
}
