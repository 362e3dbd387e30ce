import type { BigIntStats } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';

const WILD = /[*?[{]/;
export const MOST_FILES = 100_000;

export interface FoundFile {
  readonly path: string;
  /** Of a link: the path of the file itself, beside which those lie that were written before. */
  readonly target?: string | undefined;
  /** Stays the same when the file is renamed. */
  readonly identity: string;
  readonly size: number;
  readonly modified: number;
}

const NS_PER_MS = 1e6;
const MOST_LINKS = 40;

/** Of whole numbers: Windows and some network file systems number files beyond 2^53, where a plain number is the same for several. */
export function identityOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

function found(path: string, stats: BigIntStats): FoundFile {
  return { path, identity: identityOf(stats), size: Number(stats.size), modified: Number(stats.mtimeNs) / NS_PER_MS };
}

/** Where a link leads in the end; undefined: there is none at the path. */
async function targetOf(path: string): Promise<string | undefined> {
  let target = path;
  for (let steps = 0; steps < MOST_LINKS; steps += 1) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) break;
    // Upwards from the folder itself, which a link to it does not tell.
    target = resolve(next.startsWith('..') ? await realpath(dirname(target)) : dirname(target), next);
  }
  return target === path ? undefined : target;
}

/** The plain file at a path; undefined: there is none. */
export async function foundAt(path: string): Promise<FoundFile | undefined> {
  const facts = await stat(path, { bigint: true }).catch(() => undefined);
  return facts?.isFile() === true ? found(path, facts) : undefined;
}

/** A part of a pattern as the source of a regular expression: `*`, `?`, `[a-z]` and `{a,b*}`, none of which cross a slash. */
function sourceOf(text: string): string {
  return text.replace(/\*+|\?|\[[^\]]*\]|\{[^}]*\}|[^]/g, (part) => {
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.startsWith('[') && part.length > 2) return `[${part.slice(1, -1).replace(/^!/, '^').replace(/\\/g, '\\\\')}]`;
    if (part.startsWith('{') && part.length > 1) return `(?:${part.slice(1, -1).split(',').map(sourceOf).join('|')})`;
    return part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
}

/** A step of a pattern as a regular expression. @throws AppError validation where a range of characters is the wrong way round */
function stepPattern(step: string): RegExp {
  try {
    return new RegExp(`^${sourceOf(step)}$`);
  } catch {
    throw new AppError('validation', `${plainLine(step)} is no pattern: a range of characters goes from the lower to the higher, as [a-z] does.`);
  }
}

/** Why no file is found by a pattern, with the mend. */
export async function withoutFile(folder: string, pattern: string): Promise<string> {
  const name = plainLine(pattern);
  if (/^[a-z][\w+.-]*:\/\//i.test(pattern)) return `${name} is an address, and only files are read: copy them here, or ask where they are by exec: [command].`;
  if (pattern.startsWith('~')) return `No file is called ${name}: ~ stands for no folder here, write the path from / on or from that of modelswitch.yaml.`;
  if (/\{[^}]*\/[^}]*\}/.test(pattern)) return `No file is called ${name}: braces stand within one folder, so list the patterns.`;
  if (/(?:^|\/)\*\*\/?$/.test(pattern)) return `No file is called ${name}: ** stands for folders, so say which files in them, such as ${plainLine(`${pattern.replace(/\/+$/, '')}/*.jsonl`)}.`;
  const facts = await stat(resolve(folder, pattern)).catch(() => undefined);
  if (facts?.isDirectory() === true) return `${name} is a folder: name the files in it, such as ${plainLine(`${pattern.replace(/\/+$/, '')}/*.jsonl`)}.`;
  return facts === undefined || facts.isFile() ? `No file is called ${name}.` : `${name} is no plain file, and only those are read: have the records written to one.`;
}

/**
 * The plain files that a path or glob (`**` for any folders, but not through links) names, relative to a folder, by name. What cannot be looked at is passed over and told, with the code of the error; what vanished meanwhile is not.
 * @throws AppError validation where it is no pattern
 */
export async function filesOf(folder: string, pattern: string, passedOver: (path: string, code: string) => void = () => undefined): Promise<FoundFile[]> {
  const steps = pattern.split('/').filter((step) => step !== '' && step !== '.');
  const files: FoundFile[] = [];
  const without = (path: string) => (error: unknown): undefined => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code !== 'ENOENT' && code !== 'ENOTDIR') passedOver(path, code);
  };
  const enter = async (path: string, rest: readonly string[], mayBeLink: boolean): Promise<void> => {
    // A link to a device never ends, so only plain files are taken.
    const facts = await stat(path, { bigint: true }).catch(without(path));
    if (rest.length > 0 && facts?.isDirectory() === true) await walk(path, rest);
    if (rest.length > 0 || facts?.isFile() !== true) return;
    const target = mayBeLink ? await targetOf(path) : undefined;
    files.push(target === undefined ? found(path, facts) : { ...found(path, facts), target });
  };
  const walk = async (base: string, [step, ...rest]: readonly string[]): Promise<void> => {
    if (step === undefined || files.length >= MOST_FILES) return;
    if (!WILD.test(step)) {
      await enter(join(base, step), rest, true);
      return;
    }
    const entries = (await readdir(base, { withFileTypes: true }).catch(without(base))) ?? [];
    const isAny = step === '**';
    if (isAny) await walk(base, rest);
    const matches = stepPattern(step);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') && !step.startsWith('.')) continue;
      if (isAny && entry.isDirectory()) await walk(join(base, entry.name), [step, ...rest]);
      if (isAny || !matches.test(entry.name)) continue;
      await enter(join(base, entry.name), rest, entry.isSymbolicLink());
    }
  };
  await walk(pattern.startsWith('/') ? '/' : resolve(folder), steps);
  return files;
}
