import { toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { filesOf, MOST_FILES, withoutFile, type FoundFile } from './files.ts';
import { byAge } from './fileNames.ts';
import { placeOf } from './followed.ts';
import { LeftOut } from './leftOut.ts';

/** What a path is called in messages: as it stands in its folder. */
export function nameIn(folder: string, path: string): string {
  return plainLine(path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path);
}

/** What patterns find, and the patterns that find none. */
export interface FoundLogs {
  readonly found: readonly FoundFile[];
  readonly without: ReadonlySet<string>;
}

/**
 * The files of a log. Predictions before the outcomes that stand apart from them: of the several outcomes that a request may have, it is known which one counts when its prediction is.
 *
 * @param messages what patterns do not find, and what cannot be read of them, is said there
 */
export async function findLogs(folder: string, { log, outcomes }: { readonly log: readonly string[]; readonly outcomes: readonly string[] }, messages: string[]): Promise<FoundLogs> {
  const found = new Map<string, FoundFile>();
  const without = new Set<string>();
  const passedOver = new LeftOut();
  for (const patterns of [log, outcomes]) {
    const own: FoundFile[] = [];
    for (const pattern of patterns) {
      const unreadable: string[] = [];
      const files = await filesOrWhy(folder, pattern, messages, (path, code) => {
        unreadable.push(path);
        passedOver.add(nameIn(folder, path), `not to be read${code === '' ? '' : ` (${code})`}`, 'Give the right to, or narrow the pattern');
      });
      if ((files?.length ?? 0) >= MOST_FILES) messages.push(`${plainLine(pattern)} names more than ${MOST_FILES.toLocaleString('en')} files: the others are left out. Narrow the pattern.`);
      if (files?.length !== 0) own.push(...files ?? []);
      else if (unreadable.length === 0) messages.push(await withoutFile(folder, pattern));
      if ((files?.length ?? 0) === 0) without.add(pattern);
    }
    for (const file of own.sort((a, b) => byAge(placeOf(a), placeOf(b)))) if (!found.has(file.identity)) found.set(file.identity, file);
  }
  messages.push(...passedOver.messages);
  return { found: [...found.values()], without };
}

/** Undefined where it is no pattern, which is said. */
async function filesOrWhy(folder: string, pattern: string, messages: string[], passedOver: (path: string, code: string) => void): Promise<readonly FoundFile[] | undefined> {
  try {
    return await filesOf(folder, pattern, passedOver);
  } catch (error) {
    messages.push(toAppError(error).message);
    return undefined;
  }
}
