import { AppError, toAppError, type ErrorCode } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import type { Constraint, Segment } from './model.ts';

/** What making a segment needs of a server. */
export interface SegmentCreator {
  readSegments(signal?: AbortSignal): Promise<readonly Segment[]>;
  /** One call, which is not repeated. */
  createSegment(segment: { readonly name: string; readonly description: string; readonly constraints: readonly Constraint[] }, signal?: AbortSignal): Promise<void>;
}

/** A segment to make. By itself it exposes nobody: strategies name segments. Segments belong to the whole server, not to a project. */
export interface CreateSegmentPlan {
  readonly version: 1;
  readonly kind: 'create segment';
  readonly server: string;
  readonly segment: string;
  readonly constraint: Constraint;
}

/** Members are those whose context has one of these values in a field. */
export interface SegmentWish {
  readonly segment: string;
  readonly field: string;
  readonly values: readonly string[];
}

const LONGEST_NAME = 255;
/** After these one cannot know whether the server took the call. */
const LOST: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'internal']);

/** Values as people write them: `internal, staff`; each once, in their order. */
export function segmentValues(text: string): string[] {
  return [...new Set(text.split(',').map((value) => value.trim()).filter((value) => value !== ''))];
}

/** What is wrong with values, in a sentence; undefined: nothing. @param legal those that Unleash knows for the field; empty: any goes */
export function valuesProblem(values: readonly string[], legal: readonly string[] = []): string | undefined {
  if (values.length === 0) return 'At least one value, such as: internal, staff. Without one the segment would hold for everybody or nobody.';
  const unknown = legal.length === 0 ? undefined : values.find((value) => !legal.includes(value));
  return unknown === undefined ? undefined : `Unleash does not allow the value "${plainLine(unknown, 60)}" for this field. It knows: ${legal.slice(0, 10).map((value) => plainLine(value, 40)).join(', ')}.`;
}

/** `group is one of internal, staff`. */
export function membersWords({ contextName, values }: Constraint): string {
  return `${plainLine(contextName, 60)} is one of ${values.slice(0, 20).map((value) => plainLine(value, 60)).join(', ')}${values.length > 20 ? ` and ${values.length - 20} more` : ''}`;
}

/** @throws AppError conflict when there is a segment of this name; validation for a name or values that cannot be */
export async function planCreateSegment(port: SegmentCreator, server: string, { segment, field, values }: SegmentWish, signal?: AbortSignal): Promise<CreateSegmentPlan> {
  const problem = segment.trim() === '' || segment.length > LONGEST_NAME ? `A segment needs a name of at most ${LONGEST_NAME} characters.` : field === '' ? 'A segment needs the context field that its members are told by.' : valuesProblem(values);
  if (problem !== undefined) throw new AppError('validation', problem, { reason: 'segment' });
  const known = await port.readSegments(signal);
  if (known.some(({ name }) => name === segment)) throw new AppError('conflict', `Unleash has a segment "${plainLine(segment)}" already: nothing was written.`, { reason: 'exists' });
  return { version: 1, kind: 'create segment', server, segment, constraint: { contextName: field, operator: 'IN', values, inverted: false, caseInsensitive: false } };
}

/**
 * Makes the segment and reads it back.
 * @throws AppError forbidden with the permission that is lacking; conflict when somebody made one of this name meanwhile, or it does not read back as asked
 */
export async function applyCreateSegment(port: SegmentCreator, { segment, constraint }: CreateSegmentPlan): Promise<Segment> {
  let lost: AppError | undefined;
  try {
    // Not to be cancelled: nobody would know whether it arrived.
    await port.createSegment({ name: segment, description: 'Made by Modelswitch for the plan of a release', constraints: [constraint] });
  } catch (thrown) {
    const error = toAppError(thrown);
    if (!LOST.has(error.code)) throw error;
    lost = error;
  }
  const found = (await port.readSegments()).find(({ name }) => name === segment);
  if (found !== undefined && isAsked(found, constraint)) return found;
  throw lost ?? new AppError('conflict', `The segment "${plainLine(segment)}" does not read back as asked: somebody may have changed it meanwhile. Look at it in Unleash.`, { reason: 'readBack' });
}

function isAsked({ constraints: [only, ...more] }: Segment, { contextName, operator, values }: Constraint): boolean {
  return only !== undefined && more.length === 0 && only.contextName === contextName && only.operator === operator && !only.inverted && only.values.join('\n') === values.join('\n');
}
