import { format } from 'node:util';
import Mocha from 'mocha';
import { hostLog } from '../support/hostLog.ts';
import { SpecAndJson } from '../support/mochaJson.ts';

/** What the runner passes by the environment variable `VSCODE_TEST_OPTIONS`, as JSON. */
interface HostTestOptions {
  /** Absolute paths of the bundled suites. */
  readonly files: readonly string[];
  /** Where to write the results. */
  readonly output: string;
  readonly mochaOpts: Mocha.MochaOptions;
}

/** Called by VS Code inside its extension host: runs the suites. A rejection makes the run fail. */
export async function run(): Promise<void> {
  const options = JSON.parse(process.env['VSCODE_TEST_OPTIONS'] ?? '{}') as Partial<HostTestOptions>;
  if (options.files === undefined || options.output === undefined) throw new Error('VSCODE_TEST_OPTIONS must name files and output: run these tests by test/run.ts.');
  hostLog('The extension host is up.');
  Mocha.reporters.Base.consoleLog = (...parts: unknown[]) => hostLog(format(...parts));
  const mocha = new Mocha({ ...options.mochaOpts, forbidOnly: true, reporter: SpecAndJson, reporterOptions: { output: options.output } });
  for (const file of options.files) mocha.addFile(file);
  const failures = await new Promise<number>((resolve) => void mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} failed`);
}
