import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import { realpath } from 'node:fs/promises';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { CommitLine, CommitState, Repository } from '../../core/models/repository.ts';
import { gitError, runGit, type GitAnswer } from './runGit.ts';

const COMMIT_ID = /^[0-9a-f]{7,64}$/i;
const MOST_FILES = 10_000;
const LARGEST_FILE = 16 * 1024 * 1024;

/** A git repository, read through the `git` of this machine. Nothing of it is run, changed or fetched. */
export class GitRepository implements Repository {
  /** The top folder; absolute. */
  readonly root: string;
  readonly #folder: string;
  /** The folder below the root, with a slash at its end; empty for the root. */
  readonly #prefix: string;

  private constructor(root: string, folder: string) {
    this.root = root;
    this.#folder = folder;
    const below = relative(root, folder).split(sep).join('/');
    this.#prefix = below === '' ? '' : `${below}/`;
  }

  /**
   * The repository that a folder is in; a submodule is one of its own.
   * @throws AppError notFound (no repository, no git), forbidden (it belongs to another user)
   */
  static async open(folder: string, signal?: AbortSignal): Promise<GitRepository> {
    const real = await realpath(folder).catch(() => { throw new AppError('notFound', `${folder} cannot be entered.`); });
    const answer = await runGit(real, ['rev-parse', '--show-toplevel'], { signal });
    if (answer.code !== 0) throw gitError(folder, answer);
    const root = join(answer.stdout.toString().replace(/\r?\n$/, ''));
    if (relative(root, real).startsWith('..')) throw new AppError('validation', `The git repository of ${folder} says that its files are in ${plainLine(root, 300)}: it is not read.`);
    return new GitRepository(root, real);
  }

  async head(signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], signal);
    return answer.code === 0 ? answer.stdout.toString().trim() : undefined;
  }

  async commit(id: string, signal?: AbortSignal): Promise<CommitState> {
    if (!COMMIT_ID.test(id)) return { kind: 'unknown', reason: `"${plainLine(id, 70)}" is no commit id.` };
    const found = await this.#git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${id}^{commit}`], signal);
    if (found.code !== 0) return { kind: 'unknown', reason: await this.#whyUnknown(id, signal) };
    const whole = found.stdout.toString().trim();
    const [line] = this.#lines(await this.#ask(['log', '-1', '--no-show-signature', '--format=%H%x00%ct%x00%s', '--end-of-options', whole], signal));
    if ((await this.head(signal)) === undefined || line === undefined) return { kind: 'unknown', reason: 'The repository has no commit yet.' };
    const counts = (await this.#ask(['rev-list', '--left-right', '--count', `${whole}...HEAD`, '--'], signal)).trim().split('\t').map(Number);
    return { kind: 'known', commit: { ...line, ahead: counts[0] ?? 0, behind: counts[1] ?? 0 } };
  }

  async #whyUnknown(id: string, signal: AbortSignal | undefined): Promise<string> {
    const shallow = (await this.#git(['rev-parse', '--is-shallow-repository'], signal)).stdout.toString().trim() === 'true';
    const short = id.slice(0, 10);
    return shallow
      ? `Commit ${short} is not in this shallow clone: run git fetch --unshallow (in GitHub Actions: fetch-depth: 0).`
      : `Commit ${short} is not in this repository: fetch it, or it belongs to another repository or was never pushed.`;
  }

  async file(commit: string, path: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const inRoot = this.#inRoot(path);
    if (inRoot === undefined) return undefined;
    // The bytes as they were committed: filters and text conversions are programs that a repository can name.
    const answer = await runGit(this.#folder, ['cat-file', 'blob', `${commitId(commit)}:${inRoot}`], { signal, largest: LARGEST_FILE });
    return answer.code === 0 ? answer.stdout : undefined;
  }

  async changes(from: string, to: string, paths: readonly string[], most: number, signal?: AbortSignal): Promise<CommitLine[]> {
    const inRoot = paths.flatMap((path) => this.#inRoot(path) ?? []);
    if (inRoot.length === 0) return [];
    const range = `${commitId(from)}..${commitId(to)}`;
    const text = await this.#ask(['log', '--no-show-signature', '--no-ext-diff', '--ancestry-path', '--full-history', '--topo-order', '--reverse', '--format=%H%x00%ct%x00%s', range, '--', ...inRoot], signal, this.root);
    return this.#lines(text).slice(0, most);
  }

  async changedFiles(from: string, to: string, paths: readonly string[] = [], signal?: AbortSignal): Promise<string[]> {
    const inRoot = paths.flatMap((path) => this.#inRoot(path) ?? []);
    if (paths.length > 0 && inRoot.length === 0) return [];
    const text = await this.#ask(['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', '--no-textconv', commitId(from), commitId(to), '--', ...inRoot], signal, this.root);
    return this.#names(text.split('\0'));
  }

  md5(bytes: Uint8Array): Promise<string> {
    return Promise.resolve(createHash('md5').update(bytes).digest('hex'));
  }

  async uncommitted(signal?: AbortSignal): Promise<string[]> {
    // To compare contents, git runs the filters of .gitattributes: those that this very repository defines are left out.
    const defined = await this.#git(['config', '--show-scope', '--name-only', '-z', '--get-regexp', '^filter\\..*\\.(clean|smudge|process)$'], signal);
    const own = defined.stdout.toString().split('\0').flatMap((scope, index, all) => (index % 2 === 0 && (scope === 'local' || scope === 'worktree') ? [all[index + 1] ?? ''] : []));
    const text = await this.#ask([...own.flatMap((name) => ['-c', `${name}=`]), 'status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=all'], signal, this.root);
    return this.#names(text.split('\0').map((line) => line.slice(3)));
  }

  /** Paths below the folder, relative to it; what lies elsewhere in the repository begins with `../`. */
  #names(inRoot: readonly string[]): string[] {
    return inRoot.filter((path) => path !== '').slice(0, MOST_FILES).map((path) => (path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : relative(this.#prefix === '' ? '.' : this.#prefix, path).split(sep).join('/')));
  }

  /** Undefined for a path outside of the repository. */
  #inRoot(path: string): string | undefined {
    const inside = relative(this.root, join(this.#folder, path)).split(sep).join('/');
    return inside === '' || inside === '..' || inside.startsWith('../') || inside.includes('\0') ? undefined : inside;
  }

  #lines(text: string): CommitLine[] {
    return text.split('\n').flatMap((line) => {
      const [id, time, subject] = line.split('\0');
      return id === undefined || time === undefined || subject === undefined ? [] : [{ id, time: Number(time) * 1000, subject: plainLine(subject, 200) }];
    });
  }

  #git(args: readonly string[], signal: AbortSignal | undefined, folder = this.#folder): Promise<GitAnswer> {
    return runGit(folder, args, { signal });
  }

  /** @throws AppError when git ends with another code than 0 */
  async #ask(args: readonly string[], signal: AbortSignal | undefined, folder = this.#folder): Promise<string> {
    const answer = await this.#git(args, signal, folder);
    if (answer.code !== 0) throw gitError(folder, answer);
    return answer.stdout.toString();
  }
}

/** @throws AppError validation for anything that git could take for an option or another kind of name */
function commitId(id: string): string {
  if (!COMMIT_ID.test(id)) throw new AppError('validation', `"${plainLine(id, 70)}" is no commit id.`);
  return id;
}
