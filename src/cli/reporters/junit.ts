import { countsAs, type RunReport, type SuiteReport, type TestReport } from '../../core/suites/report.ts';

/** XML 1.0 knows no control characters, not even escaped ones. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escaped(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values).map(([name, value]) => ` ${name}="${escaped(String(value))}"`).join('');
}

function testCase(suite: SuiteReport, test: TestReport): string {
  const { id, outcome, message, failures, errors, why, range, waived } = test;
  const details = [...(why === undefined ? [] : [`why: ${why}`]), ...[...failures, ...errors].map(({ index, change, reason, row }) => `row ${index}${change === undefined ? '' : `, ${change}`}: ${reason}\n  ${JSON.stringify(row).slice(0, 1000)}`)].join('\n');
  const element = (tag: string): string => `<${tag}${attributes({ message })}>${escaped(details)}</${tag}>`;
  const counted = countsAs(test);
  const body = counted === 'failed' ? element('failure')
    : counted === 'error' ? element('error')
    // JUnit knows no open verdict; what was not decided was not tested.
    : outcome !== 'passed' ? `<skipped${attributes({ message: `${waived === undefined ? outcome : `waived until ${waived.until}: ${waived.reason}`}; ${message}` })}/>` : '';
  return `    <testcase${attributes({ name: id, classname: `${suite.file} (${suite.arm})`, file: suite.file, line: range.start.line + 1, time: 0 })}>${body}</testcase>`;
}

/** JUnit XML, as CI systems read it: a suite for each file and subject, a test case for each test. */
export function junitReport(runs: readonly RunReport[]): string {
  const suites = runs.flatMap(({ suites: each }) => each).map((suite) => {
    const outcomes = suite.tests.map(countsAs);
    const count = (wanted: string): number => outcomes.filter((outcome) => outcome === wanted).length;
    const head = { name: `${suite.file} (${suite.arm})`, tests: suite.tests.length, failures: count('failed'), errors: count('error'), skipped: suite.tests.filter((test) => countsAs(test) !== 'failed' && countsAs(test) !== 'error' && test.outcome !== 'passed').length, time: (suite.ms / 1000).toFixed(3), timestamp: new Date(suite.startedAt).toISOString() };
    return `  <testsuite${attributes(head)}>\n${suite.tests.map((test) => testCase(suite, test)).join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}
