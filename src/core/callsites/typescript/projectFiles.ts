/** What `tsconfig.json`, `jsconfig.json` and `package.json` say about imports that are not relative. Pure: texts in, facts out. */
import * as z from 'zod';
import type { ImportMap, ImportPath, PackageFolder } from '../project/language.ts';
import { folderOf, normalised } from './paths.ts';

const texts = z.array(z.string());
const compilerConfig = z.object({
  extends: z.union([z.string(), texts]).optional().catch(undefined),
  references: z.array(z.object({ path: z.string() })).optional().catch(undefined),
  compilerOptions: z.object({
    baseUrl: z.string().optional().catch(undefined),
    paths: z.record(z.string(), texts.catch([])).optional().catch(undefined),
  }).optional().catch(undefined),
});
type CompilerConfig = z.infer<typeof compilerConfig>;

/** Longer chains of `extends` are circles. */
const MAX_DEPTH = 8;

/** Gives the value of a JSON file with comments by its path in the folder; undefined when there is none, or it cannot be read. */
export type ReadJson = (path: string) => Promise<unknown>;

/** The import map of a `tsconfig.json` or `jsconfig.json`, with what it extends, and what its references beside it say. */
export async function importMapOf(path: string, read: ReadJson): Promise<ImportMap> {
  const own = await settingsOf(path, read, 0);
  const config = await readConfig(path, read);
  const folder = folderOf(path);
  const beside: ImportPath[] = [];
  // Build tools write `tsconfig.app.json` beside a `tsconfig.json` that only lists it.
  for (const { path: reference } of config?.references ?? []) {
    const target = normalised(`${folder}/${/\.json$/.test(reference) ? reference : `${reference}/tsconfig.json`}`);
    if (target !== undefined && target !== path && folderOf(target) === folder) beside.push(...(await settingsOf(target, read, 0)).paths ?? []);
  }
  return { folder, ...own.base === undefined ? {} : { base: own.base }, paths: [...own.paths ?? [], ...beside] };
}

interface Settings {
  readonly base?: string;
  readonly paths?: readonly ImportPath[];
}

async function settingsOf(path: string, read: ReadJson, depth: number): Promise<Settings> {
  const config = depth > MAX_DEPTH ? undefined : await readConfig(path, read);
  if (!config) return {};
  const folder = folderOf(path);
  let inherited: Settings = {};
  for (const each of [config.extends ?? []].flat()) {
    // What is installed says nothing about the folder.
    if (!/^\.\.?\//.test(each)) continue;
    const written = normalised(`${folder}/${each}`);
    if (written === undefined) continue;
    inherited = { ...inherited, ...await settingsOf(/\.json$/.test(written) ? written : `${written}.json`, read, depth + 1) };
  }
  const { baseUrl, paths } = config.compilerOptions ?? {};
  const base = baseUrl === undefined ? inherited.base : normalised(`${folder}/${baseUrl}`);
  const start = base ?? folder;
  const own = paths && Object.entries(paths).map(([pattern, targets]) => ({ pattern, targets: targets.flatMap((target) => normalised(`${start}/${target}`) ?? []) }));
  return { ...inherited, ...base === undefined ? {} : { base }, ...own ? { paths: own } : {} };
}

async function readConfig(path: string, read: ReadJson): Promise<CompilerConfig | undefined> {
  return compilerConfig.safeParse(await read(path)).data;
}

const packageFile = z.object({
  name: z.string(),
  exports: z.unknown(),
  source: z.string().optional().catch(undefined),
  types: z.string().optional().catch(undefined),
  module: z.string().optional().catch(undefined),
  main: z.string().optional().catch(undefined),
});

/** The package that a `package.json` describes, with the files that stand for what others import; undefined when it has no name. */
export async function packageOf(path: string, read: ReadJson): Promise<PackageFolder | undefined> {
  const found = packageFile.safeParse(await read(path)).data;
  if (!found) return undefined;
  const folder = folderOf(path);
  const inside = (target: string): readonly string[] => {
    const within = normalised(`${folder}/${target}`);
    return within === undefined ? [] : [within];
  };
  const { name, exports, source, types, module, main } = found;
  const entries = exportsOf(exports).map(({ pattern, targets }) => ({ pattern, targets: targets.flatMap(inside) }));
  const usual = [source, types, module, main].flatMap((each) => (each === undefined ? [] : inside(each)));
  return { name, folder, entries: entries.length > 0 ? entries : [{ pattern: '.', targets: usual }] };
}

function exportsOf(exports: unknown): readonly ImportPath[] {
  const isMap = typeof exports === 'object' && exports !== null && !Array.isArray(exports) && Object.keys(exports).every((key) => key.startsWith('.'));
  const entries = isMap ? Object.entries(exports) : exports === undefined || exports === null ? [] : [['.', exports] as const];
  return entries.map(([pattern, value]) => ({ pattern, targets: filesIn(value) }));
}

/** Under whatever condition: all of them are written from one source. */
function filesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(filesIn) : [];
}
