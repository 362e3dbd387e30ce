import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import Mocha from 'mocha';

/** What a run of mocha came to; titles are full titles. */
export interface TestResults {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly title: string; readonly message: string }[];
  readonly skipped: readonly string[];
  readonly durationMs: number;
  /** How long each file took, hooks included. */
  readonly files: Readonly<Record<string, number>>;
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
    const files: Record<string, number> = {};
    const started = performance.now();
    let begun = started;
    runner.on('suite', ({ parent }) => { if (parent?.root === true) begun = performance.now(); });
    runner.on('suite end', ({ parent, file }) => {
      if (parent?.root === true && file !== undefined) files[basename(file)] = (files[basename(file)] ?? 0) + Math.round(performance.now() - begun);
    });
    runner.on('pass', (test) => passed.push(test.fullTitle()));
    runner.on('fail', (test, error: unknown) => failed.push({ title: test.fullTitle(), message: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const results: TestResults = { passed, failed, skipped, durationMs: Math.round(performance.now() - started), files };
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(output, JSON.stringify(results));
    });
  }
}

// Mocha loads a reporter by `require` and expects the class itself; this is what Node answers to it.
export { SpecAndJson, SpecAndJson as 'module.exports' };
