import { didYouMean } from '../workspace/suggest.ts';
import type { Expression } from '../expressions/expression.ts';
import type { Problem, SourcePath, SourceRange } from '../workspace/source.ts';
import { jsonWords } from './json.ts';
import type { Suite, SuiteTest } from './load.ts';
import type { DataContent } from './schema.ts';

/** A column that a test names, and where: a key of the file, or a text in which it stands. */
export interface NamedColumn {
  readonly name: string;
  readonly path: SourcePath;
  readonly at: 'key' | 'value';
}

/** What an answer has, which conditions over it may name beside columns. */
const OF_ANSWERS: ReadonlySet<string> = new Set(['score', 'label', 'proba']);

/** The columns that a test needs of its rows. `path`: of the test in its file. `columns`: those of the signature, which edges may name, too. */
export function namedColumns({ content, where, that, slices }: SuiteTest, path: SourcePath, columns: ReadonlySet<string> = new Set()): NamedColumn[] {
  const keys = (at: SourcePath, names: readonly string[]): NamedColumn[] => names.map((name) => ({ name, path: [...path, ...at, name], at: 'key' }));
  const inside = (at: SourcePath, expression: Expression<boolean> | undefined): NamedColumn[] => (expression?.paths ?? []).map(([name = '']) => ({ name, path: [...path, ...at], at: 'value' }));
  const found = [
    ...inside(['where'], where),
    ...slices.flatMap(({ name, condition }) => inside(['slices', name], condition)),
    ...inside(['expect', 'that'], that).filter(({ name }) => !OF_ANSWERS.has(name)),
  ];
  if ('change' in content && content.change !== undefined && content.change !== 'shuffle_columns') found.push(...keys(['change'], Object.keys(content.change)));
  if (content.kind === 'directional') found.push(...keys(['sweep'], Object.keys(content.sweep ?? {})));
  if (content.kind === 'boundary') found.push(...keys(['edges'], Object.keys(content.edges ?? {}).filter((name) => !columns.has(name))));
  if (content.kind === 'expectation') {
    for (const key of ['label_from', 'score_from'] as const) {
      const name = content.expect[key];
      if (name !== undefined) found.push({ name, path: [...path, 'expect', key], at: 'value' });
    }
  }
  return found;
}

/** The first column that the rows do not have, in a sentence. */
export function unknownColumnWords(name: string, known: ReadonlySet<string>): string {
  return `the data has no column ${jsonWords(name)}.${didYouMean(name, known)}`;
}

/** What somebody found out about a test's rows without running it; `problem` stands in the way of reading them. */
export interface DataFacts {
  readonly columns: ReadonlySet<string>;
  /** Whether rows may have others: only the first of a file without a header were read. */
  readonly partial: boolean;
  readonly problem?: string;
}

/** Where a name stands in a condition. */
function placeOf({ source }: Suite, { name, path, at }: NamedColumn): SourceRange {
  if (at === 'key') return source.keyRange(path);
  const value = source.find(path)?.value;
  const text = value !== undefined && 'value' in value && typeof value.value === 'string' ? value.value : '';
  const start = new RegExp(`(?<![\\p{L}\\p{N}_])${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?![\\p{L}\\p{N}_])`, 'u').exec(text)?.index;
  return start === undefined ? source.valueRange(path) : source.rangeWithin(path, { start, end: start + name.length });
}

/** What is wrong with a suite that its data tells: files that are not there, columns that no row has. */
export function dataProblems(suite: Suite, factsOf: (data: DataContent) => DataFacts | undefined): Problem[] {
  const problems: Problem[] = [];
  const told = new Set<DataContent>();
  for (const [index, test] of suite.tests.entries()) {
    const facts = test.data === undefined ? undefined : factsOf(test.data);
    if (test.data === undefined || facts === undefined) continue;
    if (facts.problem !== undefined) {
      const own: SourcePath = ['tests', index, 'data', 'file'];
      if (!told.has(test.data)) problems.push({ code: 'type', severity: 'error', message: facts.problem, range: suite.source.valueRange(suite.source.find(own) === undefined ? ['data', 'file'] : own) });
      told.add(test.data);
      continue;
    }
    for (const each of namedColumns(test, ['tests', index])) {
      if (facts.columns.has(each.name)) continue;
      const words = unknownColumnWords(each.name, facts.columns);
      problems.push({ code: 'type', severity: facts.partial ? 'warning' : 'error', message: facts.partial ? words.replace('the data has', 'The first rows of the data have') : words.replace('the', 'The'), range: placeOf(suite, each) });
    }
  }
  return problems;
}
