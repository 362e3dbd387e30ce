import * as z from 'zod';
import type { Problem } from '../workspace/source.ts';
import { parsePipelineText } from './pipelineText.ts';
import { parseValues, type Value } from './pipelineValues.ts';

/** How DVC 3 hashes (`md5`), how DVC 2 did (`md5-dos2unix`: line ends of text count as one), or something that is not computed here. */
export type HashKind = 'md5' | 'md5-dos2unix' | 'other';

/** A file or folder as a lock or a `.dvc` file has it. */
export interface LockedItem {
  /** As it is written there. */
  readonly path: string;
  /** Lower-case hexadecimal, with `.dir` behind it for a folder; undefined where only something else (an etag) is known. */
  readonly hash?: string;
  readonly kind: HashKind;
  /** Bytes. */
  readonly size?: number;
  /** How many files a folder has. */
  readonly files?: number;
}

export interface LockedStage {
  readonly name: string;
  readonly command: string | readonly string[];
  readonly deps: readonly LockedItem[];
  /** Values by file, as it is written there, and dotted name; a file that is taken as a whole has its top-level names. */
  readonly params: Readonly<Record<string, Readonly<Record<string, Value>>>>;
  readonly outs: readonly LockedItem[];
}

export interface PipelineLock {
  readonly stages: ReadonlyMap<string, LockedStage>;
  /** An error means that nothing could be read. */
  readonly problems: readonly Problem[];
}

const count = z.union([z.number(), z.bigint().transform(Number)]).optional();
const item = z.looseObject({ path: z.string(), hash: z.string().optional(), md5: z.string().optional(), size: count, nfiles: count });
const locked = z.looseObject({
  cmd: z.union([z.string(), z.array(z.string())]),
  deps: z.array(item).nullish(),
  params: z.record(z.string(), z.record(z.string(), z.unknown())).nullish(),
  outs: z.array(item).nullish(),
});
const lockFile = z.looseObject({ schema: z.literal('2.0'), stages: z.record(z.string(), z.unknown()).nullish() });
const dvcFile = z.looseObject({ outs: z.array(item).nullish() });

function lockedItem({ path, hash, md5, size, nfiles }: z.infer<typeof item>): LockedItem {
  return {
    path,
    kind: md5 === undefined ? 'other' : hash === undefined ? 'md5-dos2unix' : hash === 'md5' ? 'md5' : 'other',
    ...(md5 === undefined ? {} : { hash: md5.toLowerCase() }),
    ...(size === undefined ? {} : { size }),
    ...(nfiles === undefined ? {} : { files: nfiles }),
  };
}

/** Reads a `dvc.lock` of schema 2.0. It never throws; a stage that is broken is left out and reported, the others hold. */
export function readPipelineLock(text: string): PipelineLock {
  const stages = new Map<string, LockedStage>();
  const parsed = parsePipelineText(text, 'dvc.lock', 'run `dvc repro`');
  if (!('source' in parsed)) return { stages, problems: parsed.problems };
  const { source } = parsed;
  // Whole numbers beyond 2^53, seeds for example, must not be rounded.
  const values = parseValues(text);
  const content = 'value' in values ? values.value : null;
  if (content === null) return { stages, problems: parsed.problems };
  const file = lockFile.safeParse(content);
  if (!file.success) {
    const message = 'dvc.lock has no `schema: "2.0"`: it is of another version of DVC or was cut. Run `dvc repro` to write it anew.';
    return { stages, problems: [{ code: 'type', severity: 'error', message, range: source.keyRange(['schema']) }] };
  }
  const problems = [...parsed.problems];
  for (const [name, written] of Object.entries(file.data.stages ?? {})) {
    const stage = locked.safeParse(written);
    if (!stage.success) {
      const [issue] = stage.error.issues;
      const message = `Stage ${name} of dvc.lock is broken at ${issue?.path.join('.') ?? ''}: run \`dvc repro ${name}\` to write it anew.`;
      problems.push({ code: 'type', severity: 'warning', message, range: source.keyRange(['stages', name]) });
      continue;
    }
    const { cmd, deps, params, outs } = stage.data;
    stages.set(name, { name, command: cmd, deps: (deps ?? []).map(lockedItem), params: (params ?? {}) as LockedStage['params'], outs: (outs ?? []).map(lockedItem) });
  }
  return { stages, problems };
}

/** What a `.dvc` file (`dvc add`, `dvc import`) tracks; paths are relative to its own folder. */
export function readDvcFile(text: string, name: string): { readonly items: readonly LockedItem[]; readonly problems: readonly Problem[] } {
  const parsed = parsePipelineText(text, name, `run \`dvc add\` or \`dvc update\` again`);
  if (!('source' in parsed)) return { items: [], problems: parsed.problems };
  const values = parseValues(text);
  const file = dvcFile.safeParse('value' in values ? values.value ?? {} : undefined);
  if (file.success) return { items: (file.data.outs ?? []).map(lockedItem), problems: parsed.problems };
  return { items: [], problems: [{ code: 'type', severity: 'error', message: `${name} does not look like a file of \`dvc add\`: restore it.`, range: parsed.source.keyRange(['outs']) }] };
}
