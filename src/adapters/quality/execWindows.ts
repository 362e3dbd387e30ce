import { AppError } from '../../core/base/errors.ts';
import { plainLine, utcTime } from '../../core/base/words.ts';
import type { MetricDefinition } from '../../core/quality/definitions.ts';
import type { Moments } from '../../core/quality/stats/confidenceSequence.ts';
import { NAME_ARMS, otherArms } from '../../core/quality/otherArms.ts';
import { LIVE_MS } from '../../core/quality/silence.ts';
import { isYesOrNo } from '../../core/quality/tolerances.ts';
import type { QualityWindow } from '../../core/quality/window.ts';

/** A window as a command printed it: squares are there where it told them. */
export type PrintedWindow = Omit<QualityWindow, 'metrics' | 'slice' | 'newest'> & { readonly slice?: string | undefined; readonly last_seen?: number | undefined; readonly metrics: Readonly<Record<string, { readonly n: number; readonly sum: number; readonly squares?: number | undefined }>> };

/** Milliseconds of 1973: a smaller number is a time in seconds. */
const LEAST_MS = 1e11;
/** Of the clocks of warehouse and reader. */
const SKEW_MS = 600_000;
/** Sums of decimals are not exact. */
const ROUNDING = 1e-9;
/** Whether a number of milliseconds is a time of a date: one in nanoseconds is none. */
function isTime(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}

/** The arms that are compared. */
const COMPARED: ReadonlySet<string> = new Set(['candidate', 'current']);

function momentsProblem(metric: string, { n, sum, squares }: PrintedWindow['metrics'][string], requests: number, isCount: boolean): string | undefined {
  const name = `the metric ${plainLine(metric, 60)}`;
  if (n > requests) return `${name} was told by ${n} of ${requests} requests`;
  if (n === 0) return sum === 0 && (squares ?? 0) === 0 ? undefined : `${name} has a sum of ${sum} of no values`;
  if (isCount && !(sum >= 0 && sum <= n * (1 + ROUNDING))) return `${name} has a sum of ${sum} of ${n}, and its values are 0 and 1`;
  if (squares === undefined) return undefined;
  if (isCount && Math.abs(squares - sum) > ROUNDING * n) return `${name} has squares of ${squares} beside a sum of ${sum}, and its values are 0 and 1, whose squares they are themselves`;
  return squares * (1 + ROUNDING) < (sum * sum) / n ? `${name} has squares of ${squares}, less than any ${n} values with a sum of ${sum} have (sum * sum / n)` : undefined;
}

function windowProblem({ start, end, requests, units, metrics, last_seen: newest }: PrintedWindow, now: number, counts: ReadonlySet<string>): string | undefined {
  for (const [name, at] of [['start', start], ['end', end]] as const) if (!isTime(at)) return `${name} ${at} is no time: times are milliseconds since 1970, or ISO 8601`;
  if (start < LEAST_MS) return `start ${start} is of ${new Date(Math.max(start, 0)).getUTCFullYear()}: times are milliseconds since 1970, or ISO 8601, not seconds`;
  if (end <= start) return 'it ends before it begins';
  if (start > now + SKEW_MS) return `it begins in the future, ${new Date(start).toISOString()}: times are in UTC`;
  if (newest !== undefined && !(newest >= start && newest <= end)) return `last_seen, when its newest record came, is ${newest} (${isTime(newest) ? utcTime(newest) : 'no time'}), not within it`;
  if (units > requests) return `${units} units appeared in ${requests} requests`;
  for (const [metric, told] of Object.entries(metrics)) {
    const problem = momentsProblem(metric, told, requests, counts.has(metric));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function placeOf({ arm, environment, service, slice }: PrintedWindow): string {
  return JSON.stringify([environment, service, arm, slice ?? null]);
}

/** A window that begins before the one before it in its place has ended: what is in both would count twice. */
function overlapping(windows: readonly PrintedWindow[]): readonly [number, number] | undefined {
  const last = new Map<string, number>();
  const inOrder = windows.map((window, index) => ({ window, index })).sort((a, b) => a.window.start - b.window.start);
  for (const { window, index } of inOrder) {
    const place = placeOf(window);
    const before = last.get(place);
    if (before !== undefined && (windows[before]?.end ?? 0) > window.start) return [before, index];
    last.set(place, index);
  }
  return undefined;
}

/**
 * What a command printed, where it can be true. What cannot is refused with the window and the reason: by a table with a mistake nobody is taken back, nor goes on.
 * @throws AppError validation
 */
export function checkWindows(windows: readonly PrintedWindow[], metrics: readonly MetricDefinition[], now: number, command: string): void {
  const counts = new Set(metrics.filter(isYesOrNo).map(({ name }) => name));
  const refuse = (index: number, problem: string): never => {
    const { arm, environment, start } = windows[index] ?? { arm: '', environment: '', start: Number.NaN };
    throw new AppError('validation', plainLine(`${command} printed what cannot be: window ${index + 1} (arm ${JSON.stringify(arm)}, environment ${JSON.stringify(environment)}, start ${isTime(start) ? new Date(start).toISOString() : 'none'}): ${problem}.`, 500));
  };
  for (const [index, window] of windows.entries()) {
    const problem = windowProblem(window, now, counts);
    if (problem !== undefined) refuse(index, problem);
  }
  const twice = overlapping(windows);
  if (twice !== undefined) refuse(twice[1], `it overlaps window ${twice[0] + 1} of the same arm, environment, service and slice, so what is in both would count twice`);
}

/** `roles`: which arm a variant stands for. Windows of variants that stand for one arm are one window. */
export function byArm(windows: readonly PrintedWindow[], metrics: readonly MetricDefinition[], roles: ReadonlyMap<string, string>): readonly QualityWindow[] {
  const counts = new Set(metrics.filter(isYesOrNo).map(({ name }) => name));
  const found = new Map<string, QualityWindow>();
  for (const { slice, last_seen: newest, metrics: told, arm: variant, ...rest } of windows) {
    const arm = roles.get(variant) ?? variant;
    const own = Object.fromEntries(Object.entries(told).map(([metric, { n, sum, squares }]): [string, Moments] => [metric, { n, sum, squares: squares ?? (n === 0 || counts.has(metric) ? sum : Number.NaN) }]));
    const window: QualityWindow = { ...rest, arm, metrics: own, ...(slice === undefined ? {} : { slice }), ...(newest === undefined ? {} : { newest }) };
    const key = JSON.stringify([rest.environment, rest.service, arm, slice ?? null, rest.start, rest.end]);
    const known = found.get(key);
    found.set(key, known === undefined ? window : { ...known, ...newestOf(known, window), requests: known.requests + window.requests, units: known.units + window.units, metrics: added(known.metrics, own) });
  }
  return [...found.values()];
}

/** Of two that are one. */
function newestOf(a: QualityWindow, b: QualityWindow): Pick<QualityWindow, 'newest'> {
  return a.newest === undefined && b.newest === undefined ? {} : { newest: Math.max(a.newest ?? a.end, b.newest ?? b.end) };
}

/** That of windows that go on it is not said when their last record came. An arm that falls silent would be known as such only when they have ended. */
export function unseenWords(windows: readonly QualityWindow[], now: number): string | undefined {
  const long = windows.find(({ arm, slice, newest, start, end, requests }) => newest === undefined && slice === undefined && requests > 0 && COMPARED.has(arm) && end > now && now - start > LIVE_MS);
  return long === undefined ? undefined : `the window of ${long.arm} that began ${utcTime(long.start)} goes on and does not say when its last record came, so an arm that falls silent is known as silent only when it has ended: print last_seen, in SQL max(ts)`;
}

function added(a: QualityWindow['metrics'], b: QualityWindow['metrics']): QualityWindow['metrics'] {
  const sums: Record<string, Moments> = { ...a };
  for (const [name, { n, sum, squares }] of Object.entries(b)) {
    const known = sums[name];
    sums[name] = known === undefined ? { n, sum, squares } : { n: known.n + n, sum: known.sum + sum, squares: known.squares + squares };
  }
  return sums;
}

/** Of arms that are neither compared nor variants that stand for one of them. @throws AppError validation where there is nothing else */
export function armWords(windows: readonly QualityWindow[], command: string): readonly string[] {
  const others = otherArms(windows.map(({ arm }) => arm));
  if (others === undefined) return [];
  if (others.missing.length === COMPARED.size) throw new AppError('validation', `${command} printed only windows of ${others.words}: ${NAME_ARMS}.`);
  return [`${command} printed windows of ${others.words}: they are not compared.`];
}

/**
 * Windows of the arms, or of variants that stand for one arm, that overlap without being the same stretch of time: of those nothing is compared with anything, and of these one would take the other's place. Undefined where all fit.
 */
export function misalignedWords(windows: readonly QualityWindow[]): string | undefined {
  const last = new Map<string, QualityWindow>();
  for (const window of [...windows].filter(({ arm }) => COMPARED.has(arm)).sort((a, b) => a.start - b.start)) {
    const { arm, slice } = window;
    const place = JSON.stringify([window.environment, window.service, slice ?? null]);
    const [own, other] = [last.get(`${place} ${arm}`), slice === undefined ? last.get(`${place} ${arm === 'candidate' ? 'current' : 'candidate'}`) : undefined];
    for (const [before, whose] of [[own, `variants that stand for ${arm}`], [other, 'the arms']] as const) {
      if (before !== undefined && before.end > window.start && (before.start !== window.start || before.end !== window.end)) {
        return `windows of ${whose} do not cover the same times (${stretchWords(before)}, ${stretchWords(window)}): begin and end them by the same clock, such as date_trunc`;
      }
    }
    last.set(`${place} ${arm}`, window);
  }
  return undefined;
}

function stretchWords({ arm, start, end }: QualityWindow): string {
  return `${arm} from ${new Date(start).toISOString()} to ${new Date(end).toISOString()}`;
}
