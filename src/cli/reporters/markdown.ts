import { escapeMarkdown, plainLine } from '../../core/base/words.ts';
import { numberWords } from '../../core/suites/output.ts';
import type { Difference, RegressionReport, RunReport, SuiteReport, TestReport } from '../../core/suites/report.ts';
import { versionWords } from '../../core/suites/reportText.ts';

const SIGNS: Readonly<Record<TestReport['outcome'], string>> = { passed: '✅ passed', failed: '❌ failed', error: '⚠️ error', inconclusive: '❔ inconclusive' };
const MOST = 5;

function cell(text: string): string {
  return escapeMarkdown(plainLine(text, 300));
}

function testRow(test: TestReport): string {
  const { id, kind, outcome, message, severity, waived } = test;
  const note = waived === undefined ? (outcome === 'failed' && severity === 'warn' ? ' (warning)' : '') : ` (waived until ${waived.until})`;
  return `| ${cell(id)} | ${kind} | ${SIGNS[outcome]}${cell(note)} | ${cell(message)} |`;
}

function suiteText(suite: SuiteReport): string {
  const failures = suite.tests.filter(({ failures: each, errors }) => each.length + errors.length > 0).flatMap(({ id, why, failures: failed, errors }) => [
    `\n**${cell(id)}**${why === undefined ? '' : `: ${cell(why)}`}\n`,
    ...[...failed, ...errors].slice(0, MOST).map(({ index, change, reason, row }) => `- row ${index}${change === undefined ? '' : `, ${cell(change)}`}: ${cell(reason)} ${cell(JSON.stringify(row))}`),
  ]);
  const notes = [
    ...(suite.nondeterministic === undefined ? [] : [`Nondeterministic: ${cell(suite.nondeterministic)}.`]),
    ...(suite.stopped === undefined ? [] : [`${cell(suite.stopped)}.`]),
  ];
  return [
    `### ${cell(suite.file)}: ${suite.arm} ${SIGNS[suite.verdict]}\n`,
    `${cell(suite.subject)}, ${cell(versionWords(suite.version))}; seed ${cell(suite.seed)}, ${cell(suite.digest.slice(0, 19))}\n`,
    ...notes.map((note) => `${note}\n`),
    '| test | kind | outcome | |', '|---|---|---|---|', ...suite.tests.map(testRow), ...failures,
  ].join('\n');
}

function differences(name: string, list: readonly Difference[]): string[] {
  return list.slice(0, MOST).map(({ test, index, current, candidate, row }) => `- ${name}: ${cell(test)} row ${index}: ${cell(current)} -> ${cell(candidate)} ${cell(JSON.stringify(row))}`);
}

function regressionText({ worse, better, same, flipped, compared, scoreDistance, examples }: RegressionReport): string {
  return [
    '### Candidate against current\n',
    `${worse} worse, ${better} better, ${same} the same; ${flipped} of ${compared} labels flipped${scoreDistance === undefined ? '' : `; scores differ by ${numberWords(scoreDistance.mean)} on average, ${numberWords(scoreDistance.max)} at most`}.\n`,
    ...differences('worse', examples.worse), ...differences('better', examples.better), ...differences('flipped', examples.flipped),
  ].join('\n');
}

/** A summary for a pull request or a job's page. */
export function markdownReport(runs: readonly RunReport[]): string {
  return `## Behavioural suites\n\n${runs.flatMap(({ suites, regression }) => [...suites.map(suiteText), ...(regression === undefined ? [] : [regressionText(regression)])]).join('\n\n')}\n`;
}
