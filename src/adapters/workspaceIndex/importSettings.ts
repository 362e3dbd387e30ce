import { readFile, stat } from 'node:fs/promises';
import { parse } from 'jsonc-parser';
import type { ImportSettings } from '../../core/callsites/project/language.ts';
import { importMapOf, packageOf } from '../../core/callsites/typescript/projectFiles.ts';

/** Project files that people write are small. */
const LARGEST = 1_000_000;

/** Reads what the project files of a folder say about imports. What cannot be read says nothing. */
export async function importSettings(folder: string, projectFiles: readonly string[]): Promise<ImportSettings> {
  const named = (name: string): readonly string[] => projectFiles.filter((path) => path === name || path.endsWith(`/${name}`));
  const read = (path: string): Promise<unknown> => readJson(`${folder}/${path}`);
  // Where both stand, the compiler reads the first.
  const maps = await Promise.all([...named('jsconfig.json'), ...named('tsconfig.json')].map((path) => importMapOf(path, read)));
  const packages = await Promise.all(named('package.json').map((path) => packageOf(path, read)));
  return { maps: [...new Map(maps.map((map) => [map.folder, map])).values()], packages: packages.flatMap((each) => each ?? []) };
}

async function readJson(path: string): Promise<unknown> {
  try {
    const file = await stat(path);
    return file.isFile() && file.size <= LARGEST ? parse(await readFile(path, 'utf8'), [], { allowTrailingComma: true }) as unknown : undefined;
  } catch {
    return undefined;
  }
}
