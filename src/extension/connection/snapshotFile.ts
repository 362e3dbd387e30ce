import * as vscode from 'vscode';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Flag, Segment } from '../../core/flags/model.ts';
import type { FlagSnapshot } from '../../core/flags/store.ts';
import type { Log } from '../platform/log.ts';

/** Written by this extension alone: the check is for files of other versions and half-written ones. */
const savedSnapshot = z.object({
  format: z.literal(1),
  flags: z.array(z.custom<Flag>((value) => flagShape.safeParse(value).success)),
  segments: z.array(z.custom<Segment>((value) => segmentShape.safeParse(value).success)),
  environments: z.array(z.object({ name: z.string(), type: z.string(), enabled: z.boolean() })),
  archived: z.array(z.string()),
  lastEventId: z.number(),
  readAt: z.number(),
});

type Saved = z.output<typeof savedSnapshot>;

const flagShape = z.object({
  name: z.string(),
  project: z.string(),
  blockedIn: z.array(z.string()),
  environments: z.array(z.object({ name: z.string(), enabled: z.boolean(), strategies: z.array(z.object({ id: z.string(), parameters: z.record(z.string(), z.string()) })) })),
});
const segmentShape = z.object({ id: z.number(), name: z.string(), constraints: z.array(z.object({ contextName: z.string() })) });

const SAVE_DELAY_MS = 2000;

/** The last snapshot of a store as a file of the workspace's storage: shown, with its age, until the first reading. */
export class SnapshotFile implements vscode.Disposable {
  readonly #folder: vscode.Uri | undefined;
  readonly #log: Log;
  readonly #pending = new Map<string, NodeJS.Timeout>();

  constructor(folder: vscode.Uri | undefined, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  async load(baseUrl: string, project: string): Promise<FlagSnapshot | undefined> {
    const file = this.#file(baseUrl, project);
    if (file === undefined) return undefined;
    try {
      const saved = savedSnapshot.parse(JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))));
      return {
        flags: new Map(saved.flags.map((flag) => [flag.name, flag])),
        segments: new Map(saved.segments.map((segment) => [segment.id, segment])),
        environments: saved.environments,
        archived: new Set(saved.archived),
        lastEventId: saved.lastEventId,
        readAt: saved.readAt,
      };
    } catch {
      // No file yet, or one of another version: the server has everything.
      return undefined;
    }
  }

  /** Writes a little later, once for several changes. */
  save(baseUrl: string, project: string, snapshot: FlagSnapshot): void {
    const file = this.#file(baseUrl, project);
    if (file === undefined) return;
    clearTimeout(this.#pending.get(file.path));
    this.#pending.set(file.path, setTimeout(() => {
      this.#pending.delete(file.path);
      void this.#write(file, snapshot);
    }, SAVE_DELAY_MS));
  }

  dispose(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  async #write(file: vscode.Uri, { flags, segments, environments, archived, lastEventId, readAt }: FlagSnapshot): Promise<void> {
    const saved: Saved = {
      format: 1, flags: [...flags.values()], segments: [...segments.values()], environments: [...environments], archived: [...archived], lastEventId, readAt,
    };
    try {
      await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(JSON.stringify(saved)));
    } catch (error) {
      this.#log.error('Saving the snapshot of flags', error);
    }
  }

  #file(baseUrl: string, project: string): vscode.Uri | undefined {
    if (this.#folder === undefined) return undefined;
    const name = createHash('sha256').update(`${baseUrl}\n${project}`).digest('hex').slice(0, 24);
    return vscode.Uri.joinPath(this.#folder, `flags-${name}.json`);
  }
}
