import { closeSync, existsSync, fstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** One line of the prediction log, as far as the sandbox reads it. */
export const recordSchema = z.object({
  ts: z.iso.datetime(), request_id: z.string(), unit_id: z.string(), environment: z.string(), service: z.string(), app_version: z.string(),
  flag: z.string(), assigned_arm: z.string(), model_version: z.string(), role: z.enum(['serving', 'shadow']), fallback: z.boolean(), batch_id: z.string().nullable(),
  features: z.record(z.string(), z.number()), score: z.number().optional(), label: z.string().optional(), latency_ms: z.number(), error: z.string().nullable(),
});
export type PredictionRecord = z.infer<typeof recordSchema>;

const blockBytes = 256 * 1024;

/** The whole lines of a file, last one first, read block by block from its end; a last line without line end is still being written and left out. */
function* linesFromEnd(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  try {
    let position = fstatSync(descriptor).size;
    let rest = Buffer.alloc(0);
    let first = true;
    while (position > 0) {
      const length = Math.min(blockBytes, position);
      const block = Buffer.alloc(length);
      readSync(descriptor, block, 0, length, position -= length);
      const text = Buffer.concat([block, rest]);
      let end = text.length;
      for (let newline = text.lastIndexOf(10); newline >= 0; newline = newline === 0 ? -1 : text.lastIndexOf(10, newline - 1)) {
        if (!first) yield text.toString('utf8', newline + 1, end);
        first = false;
        end = newline;
      }
      rest = text.subarray(0, end);
    }
    if (!first) yield rest.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** The records written since a time (ms since 1970), oldest first. Older parts of the files are not read. */
export function readPredictions(folder: string, since = 0): PredictionRecord[] {
  if (!existsSync(folder)) return [];
  const records: PredictionRecord[] = [];
  for (const name of readdirSync(folder).filter((file) => /^predictions-.*\.jsonl$/.test(file)).sort().reverse()) {
    for (const line of linesFromEnd(join(folder, name))) {
      if (line === '') continue;
      const record = recordSchema.parse(JSON.parse(line));
      // Requests are answered in parallel: a line may be a little older than the one before it.
      if (Date.parse(record.ts) < since - 1_000) return records.reverse();
      if (Date.parse(record.ts) >= since) records.push(record);
    }
  }
  return records.reverse();
}

export interface Share {
  /** Users seen, and how many of them got the candidate in their last answer. */
  users: number;
  candidate: number;
  /** `candidate / users`; NaN without users. */
  share: number;
}

/** Which share of the users of an audience has the candidate of a flag, each user counted once: stickiness makes requests of one user no independent draws. */
export function candidateShare(records: readonly PredictionRecord[], flag: string, audience: (userId: string) => boolean): Share {
  const arms = new Map<string, string>();
  for (const record of records) if (record.flag === flag && record.role === 'serving' && audience(record.unit_id)) arms.set(record.unit_id, record.assigned_arm);
  const candidate = [...arms.values()].filter((arm) => arm === 'candidate').length;
  return { users: arms.size, candidate, share: candidate / arms.size };
}

/** Standard error of a share `p` (0 to 1) seen on `users` users: sqrt(p (1 - p) / n). */
export function standardError(p: number, users: number): number {
  return Math.sqrt(p * (1 - p) / users);
}
