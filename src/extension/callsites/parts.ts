import type * as vscode from 'vscode';
import { ageWords, plainLine } from '../../core/base/words.ts';
import { environmentOf } from '../../core/flags/model.ts';
import type { FlagApi } from '../../core/callsites/model.ts';
import { describeRollout, percentWords, variantSplit } from '../../core/flags/rollout.ts';
import { modelText, rolloutIn, type FlagFacts } from '../flags/facts.ts';

/** Says how old the numbers are when the server no longer answers. */
export const ageLensPart: LensPart = {
  separator: ' · ',
  text: ({ connection, snapshot, status }) => {
    const isOld = connection.state.kind === 'failed' || connection.session?.store.error !== undefined;
    return isOld && snapshot !== undefined && status !== 'loading' ? `as of ${ageWords(Date.now() - snapshot.readAt)}` : undefined;
  },
};

/** A call site's flag, and how the code asks for it. */
export interface SiteFacts extends FlagFacts {
  readonly api: FlagApi;
}

/** One piece of a lens's text; features contribute theirs in order. It reads the snapshot and nothing else. */
export interface LensPart {
  readonly separator: ' · ' | ' ';
  /** Whether its room is kept free of what parts before it could also do without. */
  readonly early?: true;
  /** Whether it says something for which another part, but not the first, is left out where there is no room for both. */
  readonly urgent?: (facts: SiteFacts) => boolean;
  /** `room`: how many characters are left, for a part that can say less. */
  readonly text: (facts: SiteFacts, room: number) => string | undefined;
  /** What a click on its words opens; such a part stands in a lens of its own. A click on the others shows the flag in the tree. */
  readonly opens?: (facts: SiteFacts) => Pick<vscode.Command, 'command' | 'arguments'> | undefined;
}

/** Something to do about a flag, at the call site and in the tree. */
export interface SiteAction {
  readonly title: string;
  readonly command: string;
  /** Which environment it changes: whether one may is asked for there. */
  readonly environment: string;
}

/** What a feature has done about a flag instead of promoting it by itself; none: there is nothing to do now. Undefined: it leaves the flag alone. It answers from memory. */
export type SiteActionPart = (facts: FlagFacts) => readonly SiteAction[] | undefined;

/** A lens of a call site before it has a command: parts that open the same are one. */
export interface LensText {
  readonly text: string;
  readonly opens: Pick<vscode.Command, 'command' | 'arguments'> | undefined;
}

const MAX_LENS_LENGTH = 80;

/** `production 25 % · internal 100 %`, or what keeps us from saying so. */
export const rolloutLensPart: LensPart = {
  separator: ' · ',
  text: (facts) => {
    const { status, name, connection, mainEnvironment, flag } = facts;
    switch (status) {
      case 'loading':
        return undefined;
      case 'unknown':
        return `flag "${plainLine(name, 40)}" is not in Unleash (project ${plainLine(connection.project, 20)})`;
      case 'archived':
        return `flag "${plainLine(name, 40)}" is archived in Unleash`;
      case 'active': {
        if (connection.isChanging(name, mainEnvironment)) return `${mainEnvironment}: changing...`;
        const rollout = rolloutIn(facts, mainEnvironment);
        const stale = flag?.stale === true ? ' · stale' : '';
        return rollout === undefined ? `no environment "${plainLine(mainEnvironment, 30)}"` : `${mainEnvironment} ${describeRollout(rollout)}${stale}`;
      }
    }
  },
};

/** The split of a variant switch: `a 50 % / b 50 %`. */
export const variantsLensPart: LensPart = {
  separator: ' · ',
  text: ({ api, flag, snapshot, mainEnvironment }) => {
    const environment = flag && environmentOf(flag, mainEnvironment);
    if (api !== 'get_variant' || environment === undefined || snapshot === undefined) return undefined;
    const split = variantSplit(environment, snapshot.segments);
    if (split === undefined) return 'variants differ by strategy';
    return split.length === 0 ? undefined : split.map(({ name, share }) => `${plainLine(name, 20)} ${percentWords(share)}`).join(' / ');
  },
};

/** The model behind the switch: `-> fraud v14 (challenger) · AUC 0.914 vs 0.908 offline`. */
export const modelLensPart: LensPart = {
  separator: ' ',
  text: (facts, room) => {
    const words = (withMetric: boolean): string | undefined => (facts.status === 'active' ? modelText(facts, { byVariant: facts.api === 'get_variant', withMetric }) : undefined);
    const full = words(true);
    // Half a number is worse than none: the hover has it.
    return full === undefined ? undefined : `-> ${full.length + 3 <= room ? full : words(false) ?? ''}`;
  },
};

/** What an early part may claim of a line. */
const EARLY_ROOM = 44;

/** What the lenses of a call site say, in order and together within the length of a line; empty where there is nothing to say. */
export function lensTexts(parts: readonly LensPart[], facts: SiteFacts): LensText[] {
  const claims = parts.map((part) => {
    const words = part.early === true ? part.text(facts, EARLY_ROOM) : undefined;
    return words === undefined ? 0 : part.separator.length + words.length;
  });
  const isUrgent = parts.some((part) => part.urgent?.(facts) === true);
  const texts: LensText[] = [];
  let length = 0;
  let claimed = claims.reduce((sum, each) => sum + each, 0);
  for (const [index, part] of parts.entries()) {
    claimed -= claims[index] ?? 0;
    const separator = length === 0 ? '' : part.separator;
    const room = Math.max(0, MAX_LENS_LENGTH - claimed - length - separator.length);
    const words = part.text(facts, room);
    const gives = isUrgent && claimed > 0 && length > 0 && (words?.length ?? 0) > room;
    if (words === undefined || words === '' || gives) continue;
    const opens = part.opens?.(facts);
    const last = texts.at(-1);
    if (last === undefined || opens !== undefined || last.opens !== undefined) texts.push({ text: words, opens });
    else texts[texts.length - 1] = { ...last, text: last.text + separator + words };
    length += separator.length + words.length;
  }
  return withinLine(texts);
}

/** What is too long all the same ends where the line does. The editor draws a bar between two lenses, which is as wide as the dot between two parts. */
function withinLine(texts: readonly LensText[]): LensText[] {
  let room = MAX_LENS_LENGTH;
  return texts.flatMap(({ text, opens }) => {
    const words = room < 2 ? '' : plainLine(text, room);
    room -= words.length + 3;
    return words === '' ? [] : [{ text: words, opens }];
  });
}
