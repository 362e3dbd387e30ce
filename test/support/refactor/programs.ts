/** The programs on which the removal of switches is tried, and their execution by Python. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { editorLineStarts } from '../../../src/core/callsites/lines.ts';
import type { CallSite, Range } from '../../../src/core/callsites/model.ts';
import { offsetAt } from '../../../src/core/refactor/edits.ts';
import type { FlagSite, RefactorFile } from '../../../src/core/refactor/model.ts';
import { callSitesOf } from '../../unit/callsites/parser.ts';
import { wrapperSites } from './wrapperSites.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'refactor');

/** The flag that is finished in every program. */
export const FLAG = 'new-model';

export interface Program {
  readonly name: string;
  readonly files: readonly RefactorFile[];
  readonly directives: Directives;
}

/** Comments in a program's head that say what the index of call sites would know beyond one file. */
export interface Directives {
  /** `# keys: constants.NEW=new-model`: what a key that one file does not tell is. */
  readonly keys: ReadonlyMap<string, string>;
  /** `# wrappers: use_new, enabled(0)`: functions around the call; with the position of the key, if they take it. */
  readonly wrappers: ReadonlyMap<string, number | undefined>;
}

/** A program of several files has lines `#== path` before each; the last file is run. */
export function readProgram(path: string): Program {
  const text = readFileSync(path, 'utf8');
  const name = basename(path, '.py');
  const parts = text.split(/^#== (.+)\n/m);
  const files = parts.length === 1 ? [{ path: 'main.py', text }] : [];
  for (let index = 1; index < parts.length; index += 2) files.push({ path: parts[index] ?? '', text: parts[index + 1] ?? '' });
  return { name, files, directives: directivesOf(text) };
}

export function readPrograms(): readonly Program[] {
  return globSync(join(fixtures, 'programs', '*.py')).toSorted().map(readProgram);
}

/** The text that a program must become, where it is written down. */
export function expectedText(name: string, keep: string): string | undefined {
  const path = join(fixtures, 'expected', `${name}.${keep}.py`);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function directivesOf(text: string): Directives {
  const list = (name: string): string[] => (new RegExp(`^# ${name}: (.*)$`, 'm').exec(text)?.[1] ?? '').split(',').map((item) => item.trim()).filter((item) => item !== '');
  return {
    keys: new Map(list('keys').map((item) => [item.slice(0, item.lastIndexOf('=')), item.slice(item.lastIndexOf('=') + 1)] as const)),
    wrappers: new Map(list('wrappers').map((item) => {
      const [, name = '', position] = /^(\w+)(?:\((\d+)\))?$/.exec(item) ?? [];
      return [name, position === undefined ? undefined : Number(position)] as const;
    })),
  };
}

/** The call sites of the flag in a program, and those with keys that nobody knows. */
export async function sitesOf({ files, directives }: Pick<Program, 'files' | 'directives'>): Promise<readonly FlagSite[]> {
  const found: FlagSite[] = [];
  for (const { path, text } of files) {
    // Calls of wrappers are found by the directives, with what they go through.
    for (const site of await callSitesOf(text)) if (site.via !== 'wrapper') found.push(flagSite(path, text, site, directives));
  }
  const wrapped = wrapperSites(files, directives.wrappers, found);
  const isInner = (site: FlagSite): boolean => wrapped.some(({ wrappers }) => wrappers?.some(({ file, inner }) => file === site.file && JSON.stringify(inner) === JSON.stringify(site.range)));
  return [...found, ...wrapped].filter((site) => site.keys.includes(FLAG) || (site.keys.length === 0 && !isInner(site) && !/parameter/.test(site.reason ?? '')));
}

function flagSite(file: string, text: string, { range, api, key, keys, via, keyRange }: CallSite, directives: Directives): FlagSite {
  if (key.kind !== 'dynamic') return { file, range, api, keys: keys.map(({ value }) => value), via };
  const known = keyRange && directives.keys.get(slice(text, keyRange));
  return { file, range, api, keys: known === undefined ? [] : [known], via, reason: key.reason };
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
