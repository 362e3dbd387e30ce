import * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { MetricDefinition } from '../../core/quality/definitions.ts';
import { dataOfWindows, metricsWithout } from '../../core/quality/plainData.ts';
import type { QualityData, QualityRequest, QualitySource } from '../../core/quality/window.ts';
import { misspeltWords } from './execKeys.ts';
import { armWords, byArm, checkWindows, misalignedWords, unseenWords } from './execWindows.ts';
import { runCommand } from './runCommand.ts';

const moments = z.object({ n: z.number().min(0), sum: z.number(), squares: z.number().min(0).optional() });
const time = z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))]);
const windowSchema = z.object({
  arm: z.string(), environment: z.string().default(''), service: z.string().default(''), start: time, end: time, last_seen: time.nullish().transform((at) => at ?? undefined),
  requests: z.number().min(0), units: z.number().min(0).default(0), slice: z.string().nullish().transform((slice) => slice ?? undefined), metrics: z.record(z.string(), moments),
});
const DESIGN_EFFECT = 'must be a number of at least 1: how much more bad events vary than independent requests would, for windows do not tell which requests are of one unit. docs/quality.md has SQL that computes it; 1 says that requests are independent';
const LIST = 'must be a list of windows, {"arm": ..., "start": ..., "end": ..., "requests": ..., "metrics": ...} each';
/** What the command prints. */
const answerSchema = z.object({ windows: z.array(windowSchema, { error: LIST }), design_effect: z.number({ error: DESIGN_EFFECT }).min(1, { error: DESIGN_EFFECT }), warnings: z.array(z.string(), { error: 'must be a list of texts' }).default([]) }, { error: 'it must be a mapping of windows, design_effect and warnings' });

/** Something of what was printed, as text of one line. */
function told(value: unknown): string {
  return plainLine(value === undefined ? 'nothing' : JSON.stringify(value), 60);
}

/** What does not fit, with the window by its place, arm, environment and start, and the metric by its name. */
function problemWords(json: unknown, { path, message }: z.core.$ZodIssue): string {
  const at = (steps: readonly PropertyKey[]): unknown => steps.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined), json);
  const [list, number, part, metric, moment] = path;
  if (list !== 'windows' || typeof number !== 'number') return plainLine(path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`, 400);
  const { arm, environment, start } = z.object({ arm: z.unknown(), environment: z.unknown(), start: z.unknown() }).partial().catch({}).parse(at(path.slice(0, 2)));
  const window = `window ${number + 1} (arm ${told(arm)}, environment ${told(environment)}, start ${told(start)})`;
  if (part !== 'metrics' || moment === undefined) return plainLine(`${window}: ${path.slice(2).map(String).join('.')} is ${told(at(path))}: ${message}`, 400);
  const mend = at(path) === null && (moment === 'sum' || moment === 'squares') ? '. In SQL the sum of no values is null: write coalesce(sum(...), 0)' : '';
  return plainLine(`${window}: ${String(moment)} of the metric ${told(metric)} is ${told(at(path))}: ${message}${mend}`, 400);
}

/** A command that prints windows as JSON: any warehouse that can be asked from a shell. */
export class ExecSource implements QualitySource {
  readonly #command: readonly string[];
  readonly #folder: string;
  readonly #metrics: readonly MetricDefinition[];
  readonly #roles: ReadonlyMap<string, string>;

  /** `roles`: which arm an assigned variant stands for. */
  constructor(command: readonly string[], folder: string, metrics: readonly MetricDefinition[], roles: Readonly<Record<string, string>> = {}) {
    this.#command = command;
    this.#folder = folder;
    this.#metrics = metrics;
    this.#roles = new Map(Object.entries(roles));
  }

  dispose(): void {
    // Nothing is kept between two reads.
  }

  async read({ now, signal }: QualityRequest): Promise<QualityData> {
    const name = plainLine(this.#command[0] ?? '');
    const text = await runCommand(this.#command, this.#folder, { instead: 'windows, not rows' }, signal);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new AppError('network', `${name} did not print JSON: it must print {"windows": [...]}, and nothing else, to its standard output.`);
    }
    const misspelt = misspeltWords(json);
    if (misspelt !== undefined) throw new AppError('validation', `${name} printed JSON of another shape: ${misspelt}`);
    const parsed = answerSchema.safeParse(json);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new AppError('validation', `${name} printed JSON of another shape: ${issue === undefined ? '' : problemWords(json, issue)}.`);
    }
    checkWindows(parsed.data.windows, this.#metrics, now, name);
    const windows = byArm(parsed.data.windows, this.#metrics, this.#roles);
    const [misaligned, unseen] = [misalignedWords(windows), unseenWords(windows, now)];
    const without = metricsWithout(windows, this.#metrics).map((metric) => `${name} tells nothing about ${plainLine(metric)}.`);
    return dataOfWindows(windows, { designEffect: parsed.data.design_effect, messages: [...parsed.data.warnings.map((warning) => plainLine(warning, 200)), ...without, ...armWords(windows, name), ...[misaligned, unseen].flatMap((words) => (words === undefined ? [] : [`${name}: ${words}.`]))], incomplete: misaligned, seen: () => now });
  }
}
