import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';

const FILE = '.dvcignore';
/** What DVC never takes for data. */
const ALWAYS = ['.dvc/', '.git/', '.git', '.hg/'];

interface Rules { readonly folder: string; readonly patterns: Ignore }

/** The `.dvcignore` files that hold in a folder, from the repository's root down. */
export class IgnoreRules {
  readonly #rules: readonly Rules[];

  private constructor(rules: readonly Rules[]) {
    this.#rules = rules;
  }

  /** The rules that hold in `folder`, which is `root` or lies below it; both absolute. Files that are not there or too large say nothing. */
  static async at(folder: string, root: string): Promise<IgnoreRules> {
    const above = dirname(folder);
    if (folder === root || above === folder) return new IgnoreRules([{ folder, patterns: ignore().add(ALWAYS) }]).below(folder);
    return (await IgnoreRules.at(above, root)).below(folder);
  }

  /** These rules with those of the folder's own `.dvcignore`. */
  async below(folder: string): Promise<IgnoreRules> {
    if (this.#rules.some((rules) => rules.folder === folder && rules !== this.#rules[0])) return this;
    const text = await readFile(join(folder, FILE), 'utf8').catch(() => '');
    if (text.split('\n').every((line) => line.trim() === '' || line.startsWith('#'))) return this;
    return new IgnoreRules([...this.#rules, { folder, patterns: ignore().add(text) }]);
  }

  /** @param path absolute, of something below the folder */
  ignores(path: string, isFolder: boolean): boolean {
    return this.#rules.some(({ folder, patterns }) => {
      const inside = relative(folder, path).split(sep).join('/');
      return inside !== '' && !inside.startsWith('../') && patterns.ignores(isFolder ? `${inside}/` : inside);
    });
  }
}
