import * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { RecordLike } from '../../core/expressions/evaluate.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { skewReport, type SkewReport } from '../../core/quality/skew.ts';
import { sampleLogged } from './loggedSample.ts';
import { withoutNaN } from '../rows/lines.ts';
import { parsedLine } from '../rows/wholeNumbers.ts';
import { runCommand } from './runCommand.ts';

/** A line of what the command prints. */
const answerSchema = z.object({ request_id: z.union([z.string(), z.number()]).transform(String), features: z.record(z.string(), z.unknown()) });

export interface SkewPlace {
  /** The folder of modelswitch.yaml, in which the command runs. */
  readonly folder: string;
  readonly flags: readonly string[];
  readonly environment?: string | undefined;
  readonly now: number;
}

/**
 * Has a command of the user's recompute the features of a sample of logged predictions, and compares them with those in the log. It runs a program: call it only where the workspace is trusted.
 * @throws AppError validation where nothing says how; network where the command fails, or prints something else; notFound, timeout, cancelled
 */
export async function checkSkew({ source, skew }: QualityDefinition, { folder, flags, environment, now }: SkewPlace, signal: AbortSignal): Promise<SkewReport> {
  if (skew === undefined) throw new AppError('validation', 'Nothing says how features are recomputed: add skew: {exec: [python, scripts/features.py]} to quality: in modelswitch.yaml.');
  if (source?.kind !== 'log') throw new AppError('validation', 'Feature skew needs the records themselves: source: {log: ...}.');
  const sampled = await sampleLogged({ patterns: source.log, folder, flags, environment, since: now - skew.lookbackMs, size: skew.sample }, signal);
  const text = sampled.map(({ record }) => `${JSON.stringify(record)}\n`).join('');
  const printed = await runCommand(skew.command, folder, { text, instead: 'the features of the requests that it reads' }, signal);
  return skewReport(sampled, answersOf(printed, plainLine(skew.command[0] ?? '')), skew);
}

function answersOf(printed: string, name: string): Map<string, RecordLike> {
  const found = new Map<string, RecordLike>();
  for (const [index, line] of printed.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = answerSchema.safeParse(jsonOf(line));
    if (!parsed.success) throw new AppError('network', `${name} printed something else in line ${index + 1}: ${plainLine(line, 80)}. It must print {"request_id": "...", "features": {...}} for each request, a line each, and nothing else.`);
    found.set(parsed.data.request_id, parsed.data.features);
  }
  if (found.size === 0) throw new AppError('network', `${name} printed nothing: it must print {"request_id": "...", "features": {...}} for each request that it reads from its standard input.`);
  return found;
}

/** Python writes NaN, which JSON does not have: a value that is missing. */
function jsonOf(line: string): unknown {
  try {
    return parsedLine(line);
  } catch {
    return withoutNaN(line, parsedLine);
  }
}
