import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { AppError } from '../../core/base/errors.ts';

/** Folders that hold other people's code or none: no call site there is a team's own. */
const SKIPPED = new Set(['node_modules', 'venv', 'env', '__pycache__', 'site-packages', 'build', 'dist']);
/** Written by tools: bundles, and declarations without code. */
const GENERATED = /\.(?:min\.[cm]?js|d\.[cm]?ts)$/;
/** Files that stand at the root of a project. */
export const PROJECT_FILES: ReadonlySet<string> = new Set(['pyproject.toml', 'setup.py', 'setup.cfg', 'manage.py', 'requirements.txt', 'Pipfile', 'package.json', 'tsconfig.json', 'jsconfig.json']);

export interface SourceFiles {
  /** Relative to the folder with forward slashes, in order. */
  readonly paths: readonly string[];
  /** Folders with a project file; '' is the folder itself. */
  readonly roots: readonly string[];
  /** Those project files. */
  readonly projectFiles: readonly string[];
  /** Folders that could not be read, with a sentence. */
  readonly limits: readonly { readonly path: string; readonly limit: string }[];
}

export interface SourceFileOptions {
  readonly endings: readonly string[];
  /** Globs of files and folders to leave out, relative to the folder. */
  readonly exclude?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Ignore rules with the folder that they are relative to. */
interface Rules {
  readonly base: string;
  readonly rules: Ignore;
}

/**
 * The files below a folder with one of the endings. Hidden folders, installed packages, links and what a `.gitignore` at any level
 * names are passed over; a folder that cannot be read is passed over and told.
 * @throws AppError notFound when the folder itself cannot be read
 */
export async function sourceFiles(folder: string, { endings, exclude = [], signal }: SourceFileOptions): Promise<SourceFiles> {
  const found = { paths: [] as string[], roots: [] as string[], projectFiles: [] as string[], limits: [] as { path: string; limit: string }[] };
  const walk = async (relative: string, outer: readonly Rules[]): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    const rules = entries.some((entry) => entry.isFile() && entry.name === '.gitignore') ? [...outer, await gitignore(folder, relative)] : outer;
    const projectFiles = entries.filter((entry) => entry.isFile() && PROJECT_FILES.has(entry.name)).map(({ name }) => (relative === '' ? name : `${relative}/${name}`));
    found.projectFiles.push(...projectFiles.toSorted());
    if (projectFiles.length > 0) found.roots.push(relative);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(entry.name) && !entry.name.startsWith('.') && !isIgnored(rules, `${path}/`)) {
        try {
          await walk(path, rules);
        } catch (error) {
          if (isAbort(error)) throw error;
          found.limits.push({ path, limit: `The folder cannot be read: ${messageOf(error)}` });
        }
      } else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)) && !GENERATED.test(entry.name) && !isIgnored(rules, path)) {
        found.paths.push(path);
      }
    }
  };
  try {
    await walk('', exclude.length > 0 ? [{ base: '', rules: ignore().add(exclude.flatMap(alternatives)) }] : []);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new AppError('notFound', `${folder} cannot be read: ${messageOf(error)}`, {}, error);
  }
  return found;
}

async function gitignore(folder: string, relative: string): Promise<Rules> {
  try {
    return { base: relative, rules: ignore().add(await readFile(join(folder, relative, '.gitignore'), 'utf8')) };
  } catch {
    // Gone or unreadable: then it ignores nothing.
    return { base: relative, rules: ignore() };
  }
}

/** The rules nearest to a path have the last word. */
function isIgnored(rules: readonly Rules[], path: string): boolean {
  for (const { base, rules: own } of rules.toReversed()) {
    const { ignored, unignored } = own.test(base === '' ? path : path.slice(base.length + 1));
    if (ignored) return true;
    if (unignored) return false;
  }
  return false;
}

/** `*.{a,b}` is two patterns; git knows no braces. */
function alternatives(glob: string): readonly string[] {
  const braces = /^(.*?)\{([^{}]*)\}(.*)$/.exec(glob);
  if (!braces) return [glob];
  const [, before = '', inside = '', after = ''] = braces;
  return inside.split(',').flatMap((part) => alternatives(`${before}${part}${after}`));
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
