import { environmentKey } from '../flags/compare.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import type { FlagReading } from '../flags/planning.ts';
import type { Pin } from '../flags/titles.ts';
import { approvedDigest } from '../flags/titles.ts';
import type { EvidenceStart } from './allocation.ts';
import type { Look } from './verdict.ts';

/** Somebody's consent to one change, as the event log has it. */
export interface Approval {
  readonly event: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /** The Unleash user; whoever makes the change has to be another one. */
  readonly byId: number;
}

const DIGEST_LENGTH = 16;

/**
 * What an approval is bound to, as 16 hex digits of SHA-256: the change (environment, from and to, without titles), the versions, since when evidence counts, and what each
 * finding says. Counts that grow from look to look are not in it; a finding that changes its mind is.
 */
export function approvalDigest(change: ChangePlan, look: Look, pin: Pin | undefined, since: EvidenceStart, sha256: (text: string) => string): string {
  const states = (findings: readonly { readonly name: string; readonly service?: string; readonly state: string }[]): string[] => findings.map(({ name, service, state }) => JSON.stringify([name, service ?? '', state])).sort();
  const text = JSON.stringify({
    project: change.project, flag: change.flag,
    environments: change.environments.map(({ environment, before, after }) => [environment, environmentKey(before), environmentKey(after)]),
    pin: pin === undefined ? null : [pin.model, pin.candidate, pin.current], since: since.at ?? null,
    evidence: [states(look.guardrails), states(look.signals), states(look.acceptance), states(look.gates)],
  });
  return sha256(text).slice(0, DIGEST_LENGTH);
}

/** The approvals of just this change in the environment that it changes, newest first; they stand in the titles of strategies of ours, so that Unleash says who gave them. */
export function approvalsOf(reading: FlagReading, change: ChangePlan, digest: string): Approval[] {
  const environments = new Set(change.environments.map(({ environment }) => environment));
  return reading.events.filter(({ strategy, previousStrategy, environment }) => strategy !== undefined && environments.has(environment ?? '') && approvedDigest(strategy.title) === digest && previousStrategy?.title !== strategy.title)
    .toSorted((a, b) => b.id - a.id)
    .map(({ id, createdAt, by, byId }) => ({ event: id, at: createdAt, by, byId }));
}
