/**
 * `npm test [-- --only unit,integration,host,ui]`: builds, packs the `.vsix`, runs the suites and ends with the line
 * `N passed, N failed, N skipped`. A suite that could not run counts as one failure. The exit code is 1 on a failure
 * and on a skip that `test/allowedSkips.json` does not name.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../sandbox/processes.ts';
import { packageExtension } from '../scripts/package.ts';
import { nothing, runSuite, suites } from './support/suites.ts';
import type { SuiteName, SuiteOutcome } from './support/suites.ts';

const root = dirname(import.meta.dirname);
const all = Object.keys(suites) as SuiteName[];

/** How many files the summary names: where time can be saved. */
const SLOWEST = 6;
/** Of the message of a failed test, lines and characters of a line. */
const REASON_LINES = 20;
const WIDTH = 300;

function chosenSuites(): SuiteName[] {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const names = values.only === undefined ? all : values.only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !all.some((known) => known === name));
  if (unknown.length > 0) {
    console.error(`test/run.ts: there is no suite ${unknown.map((name) => `"${name}"`).join(', ')}; --only takes a list of ${all.join(', ')}.`);
    process.exit(2);
  }
  return all.filter((name) => names.includes(name));
}

/** What all suites stand on. Gives the path of the `.vsix`, or why there is none. */
async function prepare(): Promise<{ vsix: string } | { problem: string }> {
  console.log('Building ...');
  const { status } = spawnSync(process.execPath, ['esbuild.js', '--production', '--tests'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) return { problem: 'the build failed.' };
  try {
    return { vsix: await packageExtension({ build: false }) };
  } catch (error) {
    return { problem: `the .vsix could not be packed: ${messageOf(error)}` };
  }
}

async function runChosen(names: readonly SuiteName[]): Promise<SuiteOutcome[]> {
  const prepared = await prepare();
  const outcomes: SuiteOutcome[] = [];
  for (const name of names) {
    console.log(`\n=== ${name} ===`);
    if ('problem' in prepared) {
      console.error(prepared.problem);
      outcomes.push({ name, results: nothing, problem: prepared.problem });
    } else {
      outcomes.push(...(await runSuite(name, { ...process.env, MODELSWITCH_VSIX: prepared.vsix })));
    }
  }
  return outcomes;
}

/** Why a test failed, beside its name: whoever sees only the end of a long log needs no more. */
function inShort(message: string): string {
  const lines = message.split('\n').map((line) => `    ${line.slice(0, WIDTH)}`);
  return [...lines.slice(0, REASON_LINES), ...(lines.length > REASON_LINES ? ['    ...'] : [])].join('\n');
}

/** Prints what it came to and tells whether all is well. */
function summarise(outcomes: readonly SuiteOutcome[]): boolean {
  const allowed = JSON.parse(readFileSync(join(root, 'test', 'allowedSkips.json'), 'utf8')) as { title: string; reason: string }[];
  const sum = { passed: 0, failed: 0, skipped: 0 };
  let forbiddenSkips = 0;
  console.log('\n=== summary ===');
  for (const { name, results, problem } of outcomes) {
    const failed = results.failed.length + (problem === undefined ? 0 : 1);
    console.log(`${name}: ${results.passed.length} passed, ${failed} failed, ${results.skipped.length} skipped in ${(results.durationMs / 1000).toFixed(1)} s`);
    const slowest = Object.entries(results.files).sort(([, one], [, other]) => other - one).slice(0, SLOWEST);
    if (slowest.length > 0) console.log(`  longest: ${slowest.map(([file, ms]) => `${file} ${(ms / 1000).toFixed(0)} s`).join(', ')}`);
    if (problem !== undefined) console.log(`  could not be run as it should: ${problem}`);
    for (const { title, message } of results.failed) console.log(`  failed: ${title}\n${inShort(message)}`);
    for (const title of results.skipped) {
      const permission = allowed.find((entry) => entry.title === title);
      if (permission === undefined) forbiddenSkips += 1;
      console.log(`  skipped: ${title} (${permission?.reason ?? 'not in test/allowedSkips.json'})`);
    }
    sum.passed += results.passed.length;
    sum.failed += failed;
    sum.skipped += results.skipped.length;
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  return sum.failed === 0 && forbiddenSkips === 0 && sum.passed > 0;
}

const names = chosenSuites();
rmSync(join(root, 'test-results'), { recursive: true, force: true });
// An exit runs the handlers that end the editors; a killed process would leave them. Mocha gets a moment for its hooks.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => setTimeout(() => process.exit(130), 3000));
const outcomes = await runChosen(names);
process.exitCode = summarise(outcomes) ? 0 : 1;
