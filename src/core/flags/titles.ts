import { plainLine } from '../base/words.ts';

/**
 * The title of a strategy is where Modelswitch writes what it did, in the same event as the change itself; the prefix
 * is how it recognises its own strategies.
 */
export const TITLE_PREFIX = 'Modelswitch · ';

const MAX_TITLE_LENGTH = 120;
const SWITCH_ON = ' · then on';

/**
 * @param parts version, stage, reason in short; empty ones are left out
 * @param switchOn whether the change goes on with switching the environment on, which has no title of its own
 */
export function strategyTitle(parts: readonly string[], switchOn = false): string {
  const suffix = switchOn ? SWITCH_ON : '';
  const text = TITLE_PREFIX + parts.filter((part) => part !== '').join(' · ');
  const room = MAX_TITLE_LENGTH - suffix.length;
  return (text.length > room ? `${text.slice(0, room - 1)}…` : text) + suffix;
}

/** The versions that a release is about: what serves where the flag is on, and what where it is off. */
export interface Pin {
  /** The model's name in `modelswitch.yaml`. */
  readonly model: string;
  /** Versions in words, such as `v14`. */
  readonly candidate: string;
  readonly current: string;
}

/** Cut so that one pin always leaves room for stage and reason. */
const LONGEST_MODEL = 36;
const LONGEST_VERSION = 20;
const LONGEST_PINS = 84;
const PIN = /^(.+) (\S+) over (\S+)$/;

/** A version for people: `v14`; names that are no numbers stay as they are. */
export function versionWords(version: string): string {
  return /^\d/.test(version) ? `v${version}` : version;
}

/** A pin as it stands in a title. Two versions are the same when their pins are. */
export function pin(model: string, candidate: string, current: string): Pin {
  return { model: pinned(model, LONGEST_MODEL), candidate: pinnedVersion(candidate), current: pinnedVersion(current) };
}

/** A version as a pin holds it. */
export function pinnedVersion(version: string): string {
  return pinned(versionWords(version), LONGEST_VERSION).replaceAll(' ', '_');
}

/** Without the marks that part a title. */
function pinned(name: string, longest: number): string {
  const plain = plainLine(name, 4 * longest).replace(/[·,…]/g, '_');
  return plain.length > longest ? plain.slice(0, longest) : plain;
}

/** Whether a pin is about a model of `modelswitch.yaml`. */
export function pinsModel(each: Pin, model: string): boolean {
  return each.model === pinned(model, LONGEST_MODEL);
}

/** Pins as the first part of a title: `fraud v14 over v13`; undefined when they leave no room for the rest. */
export function pinsText(pins: readonly Pin[]): string | undefined {
  const text = pins.map(({ model, candidate, current }) => `${model} ${candidate} over ${current}`).join(', ');
  return text.length > LONGEST_PINS ? undefined : text;
}

/** What a title of ours pins; empty for any other. */
export function pinsOf(title: string): readonly Pin[] {
  if (!isOwnTitle(title)) return [];
  const [first = '', second = ''] = title.slice(TITLE_PREFIX.length).split(' · ');
  return (markOf(title) === undefined ? first : second).split(', ').flatMap((text) => {
    const [, model, candidate, current] = PIN.exec(text) ?? [];
    return model === undefined || candidate === undefined || current === undefined || current.endsWith('…') ? [] : [{ model, candidate, current }];
  });
}

/** What a title may say before everything else, because others act on it: that the guard took exposure back, and that a person re-armed it. */
export const MARKS = { guard: 'guard rollback', rearmed: 're-armed' } as const;
/** The first part of a title with which the guard says that it is about to switch the environment off. */
export const TOWARDS_OFF = `${MARKS.guard} to off`;

/** Whether a title of ours says that the environment is to be switched off. */
export function isTowardsOff(title: string): boolean {
  return isOwnTitle(title) && title.slice(TITLE_PREFIX.length).startsWith(TOWARDS_OFF);
}

/** The mark of a title of ours. People's reasons come last in a title, so they cannot be taken for one. */
export function markOf(title: string): keyof typeof MARKS | undefined {
  if (!isOwnTitle(title)) return undefined;
  const said = title.slice(TITLE_PREFIX.length);
  return (['guard', 'rearmed'] as const).find((mark) => said.startsWith(MARKS[mark]));
}

const APPROVED = /^approved ([0-9a-f]{16})$/;

/** The first parts of a title with which somebody approves a change: the digest of what it is about stands behind the pins. */
export function approvedText(digest: string): string {
  return `approved ${digest}`;
}

/** The digest that a title of ours approves. */
export function approvedDigest(title: string): string | undefined {
  if (!isOwnTitle(title)) return undefined;
  const parts = title.slice(TITLE_PREFIX.length).split(' · ', 2);
  return parts.map((part) => APPROVED.exec(part)?.[1]).find((digest) => digest !== undefined);
}

export function isOwnTitle(title: string): boolean {
  return title.startsWith(TITLE_PREFIX);
}

export function announcesSwitchOn(title: string): boolean {
  return isOwnTitle(title) && title.endsWith(SWITCH_ON);
}
