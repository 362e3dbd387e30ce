import type { WorkspaceConfig } from './config.ts';
import { quotable, shown, type Problem, type SourceRange } from './source.ts';
import { didYouMean } from './suggest.ts';

/** Looking for the flag that was meant takes milliseconds among thousands. */
const MOST_HINTS = 20;

/** What is known of the server; undefined: not loaded, so nothing is said about it. */
export interface WorkspaceFacts {
  /** Names of the project's active flags. */
  readonly flags?: ReadonlySet<string>;
  readonly archived?: ReadonlySet<string>;
  readonly environments?: readonly string[];
  readonly projects?: readonly string[];
  readonly segments?: readonly string[];
}

function unknownName(code: Problem['code'], what: string, value: string | undefined, range: SourceRange | undefined, known: readonly string[] | undefined): Problem[] {
  if (value === undefined || range === undefined || known === undefined || known.includes(value)) return [];
  const hint = didYouMean(value, known);
  const list = known.length === 0 ? '' : ` There are: ${known.slice(0, 10).map(quotable).join(', ')}.`;
  return [{ code, severity: 'warning', message: `Unleash has no ${what} "${quotable(value)}", or you may not see it.${hint === '' ? list : hint}`, range }];
}

/** What a schema cannot know: flags, environment and project that the server does not have, at the place that names them. */
export function semanticProblems(config: WorkspaceConfig, facts: WorkspaceFacts): Problem[] {
  const { unleash } = config;
  const problems = [
    ...unknownName('unknownProject', 'project', unleash?.project, unleash?.ranges.project, facts.projects),
    ...unknownName('unknownEnvironment', 'environment', unleash?.environment, unleash?.ranges.environment, facts.environments),
  ];
  for (const { flag, range } of [...config.models.flatMap((model) => model.switches), ...config.features ?? []]) {
    if (facts.flags?.has(flag) === true) continue;
    if (facts.archived?.has(flag) === true) {
      problems.push({ code: 'archivedFlag', severity: 'warning', message: `The flag "${quotable(flag)}" is archived: revive it in Unleash, or map the model to another flag.`, range });
    } else if (facts.flags !== undefined) {
      const hint = problems.length < MOST_HINTS ? didYouMean(flag, facts.flags) : '';
      problems.push({ code: 'unknownFlag', severity: 'warning', message: `Unleash has no flag "${quotable(flag)}" in this project.${hint === '' ? ' Create it there, or correct the name.' : hint}`, range });
    }
  }
  for (const { environment, segment, range } of config.models.flatMap((model) => model.plan ?? [])) {
    problems.push(...unknownName('unknownEnvironment', 'environment', environment, range, facts.environments));
    problems.push(...unknownName('unknownSegment', 'segment', segment, range, facts.segments));
  }
  return shown(problems);
}
