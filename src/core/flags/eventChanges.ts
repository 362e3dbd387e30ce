import type { FlagEvent } from './ports.ts';

/** What the store has to read again after new events. */
export interface Refetch {
  /** Too much or something unknown happened: read everything. */
  readonly all: boolean;
  readonly flags: ReadonlySet<string>;
  readonly archived: ReadonlySet<string>;
  readonly segments: boolean;
}

/** More changes than this are read again in bulk: single requests would cost more. */
export const MAX_SINGLE_CHANGES = 200;

/** Flag events after which the flag itself is as it was, for our purposes. */
const WITHOUT_EFFECT = new Set(['feature-tagged', 'feature-untagged', 'feature-link-added', 'feature-link-updated', 'feature-link-removed', 'feature-favorited', 'feature-unfavorited', 'features-exported']);

/** Event families that are about something else than flags and segments. */
const ELSEWHERE = /^(user|pat|api-token|project-(?:created|updated|deleted|import|favorited|unfavorited|archived|revived|user|group|access)|setting|addon|context-field|tag|tag-type|feature-type|role|group|public-signup-token|client-|application-|service-account|service_account|banner|login-|scim|integration|signal|actions|change-request|impact-metric|personal-)/;

const FLAG_EVENT = /^feature-/;

/**
 * Whether an event was not there before, by the numbers that were and the newest of them: of two changes at once the one that began first may end last, and its event then
 * comes later with the lower number.
 */
export function unseen(seen: ReadonlySet<number>, newest: number): (event: Pick<FlagEvent, 'id'>) => boolean {
  const oldest = Math.min(...seen);
  return ({ id }) => id > newest || (id > oldest && !seen.has(id));
}

/**
 * Which flags new events are about. An event type that nobody knew when this was written reloads everything: showing an
 * old rollout would be worse.
 *
 * @param events newer than what the store has seen
 */
export function refetchAfter(events: readonly FlagEvent[], project: string): Refetch {
  const flags = new Set<string>();
  const archived = new Set<string>();
  let segments = false;
  let all = false;
  for (const { type, flag, project: eventProject } of events.toSorted((a, b) => a.id - b.id)) {
    if (type.startsWith('segment-')) segments = true;
    else if (FLAG_EVENT.test(type) && flag !== undefined) {
      if (eventProject !== undefined && eventProject !== project && type !== 'feature-project-change') continue;
      if (WITHOUT_EFFECT.has(type)) continue;
      if (type === 'feature-archived' || type === 'feature-deleted') {
        flags.delete(flag);
        archived.add(flag);
      } else {
        archived.delete(flag);
        flags.add(flag);
      }
    } else if (!ELSEWHERE.test(type) && !WITHOUT_EFFECT.has(type)) all = true;
  }
  return { all: all || flags.size > MAX_SINGLE_CHANGES, flags, archived, segments };
}
