import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quality } from '../../src/cli/commands/quality.ts';
import type { CliContext } from '../../src/cli/context.ts';

export interface QualityRun {
  readonly code: number;
  readonly out: string;
  readonly warned: readonly string[];
}

/** Runs `modelswitch quality`, or another command, in a folder whose modelswitch.yaml has that `section` of quality for the flag fraud-v2. */
export async function runQuality(cwd: string, section: string, { run = (context) => quality.run(context), options = {} }: { readonly run?: (context: CliContext) => Promise<number>; readonly options?: CliContext['options'] } = {}): Promise<QualityRun> {
  writeFileSync(join(cwd, 'modelswitch.yaml'), `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n${section.split('\n').map((line) => `      ${line}\n`).join('')}`);
  const [out, warned]: [string[], string[]] = [[], []];
  const context: CliContext = { options, operands: [], env: {}, cwd, signal: new AbortController().signal, write: (text) => void out.push(text), own: {}, warn: (sentence) => void warned.push(sentence), progress: () => undefined };
  return { code: await run(context), out: out.join(''), warned };
}
