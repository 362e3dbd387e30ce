import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Mocha from 'mocha';

/** What a run of mocha came to; titles are full titles. */
export interface TestResults {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly title: string; readonly message: string }[];
  readonly skipped: readonly string[];
  readonly durationMs: number;
}

/** Mocha's `spec` reporter, which at the end also writes a `TestResults` to the file named by the reporter option `output`. */
class SpecAndJson extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { output } = (options.reporterOptions ?? {}) as { output?: string };
    if (output === undefined) throw new Error('The reporter needs the option output=<file>.');
    const passed: string[] = [];
    const failed: { title: string; message: string }[] = [];
    const skipped: string[] = [];
    const started = performance.now();
    runner.on('pass', (test) => passed.push(test.fullTitle()));
    runner.on('fail', (test, error: unknown) => failed.push({ title: test.fullTitle(), message: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const results: TestResults = { passed, failed, skipped, durationMs: Math.round(performance.now() - started) };
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(output, JSON.stringify(results));
    });
  }
}

// Mocha loads a reporter by `require` and expects the class itself; this is what Node answers to it.
export { SpecAndJson, SpecAndJson as 'module.exports' };
