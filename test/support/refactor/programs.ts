/** The programs on which the removal of switches is tried, and their execution by Python. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { editorLineStarts } from '../../../src/core/callsites/lines.ts';
import type { Range } from '../../../src/core/callsites/model.ts';
import { Linker, NO_SETTINGS } from '../../../src/core/callsites/project/linker.ts';
import { ModuleRef } from '../../../src/core/callsites/project/blocks.ts';
import { Program as ProjectProgram } from '../../../src/core/callsites/project/program.ts';
import { pythonSummarizer } from '../../../src/core/callsites/python/detector.ts';
import { offsetAt } from '../../../src/core/refactor/edits.ts';
import { flagSites } from '../../../src/core/refactor/flagSites.ts';
import type { FlagSite, RefactorFile } from '../../../src/core/refactor/model.ts';
import { pythonParser } from '../../unit/callsites/parser.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'refactor');

/** The flag that is finished in every program. */
export const FLAG = 'new-model';

export interface Program {
  readonly name: string;
  readonly files: readonly RefactorFile[];
}

/** A program of several files has lines `#== path` before each; the last file is run. */
export function readProgram(path: string): Program {
  const text = readFileSync(path, 'utf8');
  const name = basename(path, '.py');
  const parts = text.split(/^#== (.+)\n/m);
  const files = parts.length === 1 ? [{ path: 'main.py', text }] : [];
  for (let index = 1; index < parts.length; index += 2) files.push({ path: parts[index] ?? '', text: parts[index + 1] ?? '' });
  return { name, files };
}

export function readPrograms(): readonly Program[] {
  return globSync(join(fixtures, 'programs', '*.py')).toSorted().map(readProgram);
}

/** The text that a program must become, where it is written down. */
export function expectedText(name: string, keep: string): string | undefined {
  const path = join(fixtures, 'expected', `${name}.${keep}.py`);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** The call sites of the flag in a program, as the index finds them across its files. */
export async function sitesOf({ files }: Pick<Program, 'files'>): Promise<readonly FlagSite[]> {
  const parser = await pythonParser();
  const program = new ProjectProgram({ paths: new Set(files.map(({ path }) => path)), roots: new Set(['']) });
  for (const { path, text } of files) {
    const tree = parser.parse(text);
    program.set(new ModuleRef(path, pythonSummarizer.open().summary({ text, root: tree.root }), pythonSummarizer.rules));
    tree.delete();
  }
  const linker = new Linker(program, NO_SETTINGS);
  return files.flatMap(({ path }) => flagSites(path, linker.sitesIn(path), FLAG, (each) => each));
}

export function slice(text: string, { start, end }: Range): string {
  const lines = editorLineStarts(text);
  return text.slice(offsetAt(lines, start), offsetAt(lines, end));
}

export interface Execution {
  readonly files: readonly RefactorFile[];
  /** Whether the finished flag is on. */
  readonly on: boolean;
  /** Whether asking for it ends the program. */
  readonly forbidden: boolean;
}

export interface Outcome {
  readonly output: string;
  readonly end: string;
}

export function execute(executions: readonly Execution[]): readonly Outcome[] {
  return python(executions.map(({ files, on, forbidden }) => ({
    files: filesOf(files), main: files.at(-1)?.path, flags: { [FLAG]: on, other: true }, quiet: FLAG, forbidden: forbidden ? FLAG : null,
  }))) as readonly Outcome[];
}

/** Imports, constants and variables that nothing reads, by file. */
export function unusedNames(programs: readonly (readonly RefactorFile[])[]): readonly Readonly<Record<string, readonly string[]>>[] {
  return python(programs.map((files) => ({ check: 'unused', files: filesOf(files) }))) as readonly Record<string, string[]>[];
}

function filesOf(files: readonly RefactorFile[]): Record<string, string> {
  return Object.fromEntries(files.map(({ path, text }) => [path, text]));
}

function python(input: unknown): unknown {
  const command = process.platform === 'win32' ? 'python' : 'python3';
  const { status, stdout, stderr, error } = spawnSync(command, [join(fixtures, 'runner.py')], { input: JSON.stringify(input), maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} is needed to run the programs: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}
