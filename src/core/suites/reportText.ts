import { plainLine } from '../base/words.ts';
import { numberWords } from './output.ts';
import type { RegressionReport, SuiteReport, TestReport } from './report.ts';
import type { VersionState } from './subject.ts';

const MOST_EXAMPLES = 3;

export function versionWords(version: VersionState): string {
  return version.kind === 'established' ? `version ${version.version} by ${version.by}` : `unverified: ${version.reason}`;
}

/** A test in a line, and its first failures with where they stand in the suite. */
export function testLines(file: string, { id, outcome, message, severity, waived, why, failures, errors, slices, range, skipped }: TestReport): string[] {
  const note = waived === undefined ? (outcome === 'failed' && severity === 'warn' ? ' (warning)' : '') : ` (waived until ${waived.until}: ${plainLine(waived.reason)})`;
  return [
    `  ${outcome.padEnd(12)} ${id}${note}: ${plainLine(message, 400)}`,
    ...(outcome === 'failed' && why !== undefined ? [`      why: ${plainLine(why, 200)}`] : []),
    ...[...failures, ...errors].slice(0, MOST_EXAMPLES).map(({ index, change, reason, row }) => `      ${file}:${range.start.line + 1} row ${index}${change === undefined ? '' : `, ${plainLine(change, 200)}`}: ${plainLine(reason, 300)}  ${plainLine(JSON.stringify(row), 300)}`),
    ...slices.map(({ name, counts }) => `      ${plainLine(name)}: ${counts.failed} of ${counts.passed + counts.failed} failed`),
    ...(outcome === 'inconclusive' && skipped !== undefined ? [`      skipped: ${plainLine(skipped, 200)}`] : []),
  ];
}

export function suiteHead({ file, arm, subject, version, nondeterministic }: SuiteReport): string {
  return `${plainLine(file, 200)}: ${arm} ${plainLine(subject, 200)}, ${plainLine(versionWords(version), 200)}${nondeterministic === undefined ? '' : `\n  nondeterministic: ${plainLine(nondeterministic, 300)}`}`;
}

export function regressionLines({ worse, better, same, flipped, compared, scoreDistance, examples }: RegressionReport): string[] {
  return [
    `candidate against current: ${worse} worse, ${better} better, ${same} the same; ${flipped} of ${compared} labels flipped${scoreDistance === undefined ? '' : `; scores differ by ${numberWords(scoreDistance.mean)} on average, ${numberWords(scoreDistance.max)} at most`}`,
    ...([['worse', examples.worse], ['better', examples.better], ['flipped', examples.flipped]] as const).flatMap(([name, list]) => list.slice(0, MOST_EXAMPLES).map(({ test, index, current, candidate }) => `  ${name}: ${test} row ${index}: ${plainLine(current, 200)} -> ${plainLine(candidate, 200)}`)),
  ];
}
