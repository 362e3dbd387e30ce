import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { plainLine } from '../../core/base/words.ts';

const WILD = /[*?[{]/;
const MOST_FILES = 100_000;

export interface FoundFile {
  readonly path: string;
  /** Stays the same when the file is renamed. */
  readonly identity: string;
  readonly size: number;
  readonly modified: number;
}

export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function found(path: string, stats: Stats): FoundFile {
  return { path, identity: identityOf(stats), size: stats.size, modified: stats.mtimeMs };
}

/** The plain file at a path; undefined: there is none. */
export async function foundAt(path: string): Promise<FoundFile | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true ? found(path, facts) : undefined;
}

/** A step of a pattern as a regular expression: `*`, `?`, `[a-z]` and `{a,b}`, none of which cross a slash. */
function stepPattern(step: string): RegExp {
  const source = step.replace(/\*+|\?|\[[^\]]*\]|\{[^}]*\}|[^]/g, (part) => {
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.startsWith('[') && part.length > 2) return `[${part.slice(1, -1).replace(/^!/, '^').replace(/\\/g, '\\\\')}]`;
    if (part.startsWith('{')) return `(?:${part.slice(1, -1).split(',').map((each) => each.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')).join('|')})`;
    return part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${source}$`);
}

/** Why no file is found by a pattern, with the mend. */
export async function withoutFile(folder: string, pattern: string): Promise<string> {
  const name = plainLine(pattern);
  if (/^[a-z][\w+.-]*:\/\//i.test(pattern)) return `${name} is an address, and only files are read: copy them here, or ask where they are by exec: [command].`;
  if (pattern.startsWith('~')) return `No file is called ${name}: ~ stands for no folder here, write the path from / on or from that of modelswitch.yaml.`;
  const facts = await stat(resolve(folder, pattern)).catch(() => undefined);
  return facts?.isDirectory() === true ? `${name} is a folder: name the files in it, such as ${plainLine(`${pattern.replace(/\/+$/, '')}/*.jsonl`)}.` : `No file is called ${name}.`;
}

/** The plain files that a path or glob (`**` for any folders) names, relative to a folder, by name; what cannot be read is passed over. */
export async function filesOf(folder: string, pattern: string): Promise<FoundFile[]> {
  const steps = pattern.split('/').filter((step) => step !== '' && step !== '.');
  const files: FoundFile[] = [];
  const enter = async (path: string, rest: readonly string[]): Promise<void> => {
    // A link to a device never ends, so only plain files are taken.
    const facts = await stat(path).catch(() => undefined);
    if (rest.length > 0 && facts?.isDirectory() === true) await walk(path, rest);
    if (rest.length === 0 && facts?.isFile() === true) files.push(found(path, facts));
  };
  const walk = async (base: string, [step, ...rest]: readonly string[]): Promise<void> => {
    if (step === undefined || files.length >= MOST_FILES) return;
    if (!WILD.test(step)) {
      await enter(join(base, step), rest);
      return;
    }
    const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
    const isAny = step === '**';
    if (isAny) await walk(base, rest);
    const matches = stepPattern(step);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') && !step.startsWith('.')) continue;
      if (isAny && entry.isDirectory()) await walk(join(base, entry.name), [step, ...rest]);
      if (isAny || !matches.test(entry.name)) continue;
      await enter(join(base, entry.name), rest);
    }
  };
  await walk(pattern.startsWith('/') ? '/' : resolve(folder), steps);
  return files;
}
