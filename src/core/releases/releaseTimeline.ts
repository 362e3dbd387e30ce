import { plainLine } from '../base/words.ts';
import { entryWords, flagTimeline, type HistoryReading } from '../flags/timeline.ts';
import type { Stage } from '../workspace/plan.ts';
import { markedEvents } from './latch.ts';
import { planVisits } from './position.ts';
import { stageWords } from './stageChange.ts';

/** One thing that happened to a release, or beside it. */
export interface ReleaseEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /** Undefined: in every environment. */
  readonly environment: string | undefined;
  /** `production 5 % -> 25 %`; also edits of segments and parents, which alter who is reached. */
  readonly what: string;
  /** What Modelswitch wrote into the title: versions, stage, reason, evidence in short. */
  readonly title: string;
  readonly mark: 'guard' | 'rearmed' | undefined;
  /** Where the release stood afterwards; undefined where the change was none of its steps, or there is no plan. */
  readonly stage: string | undefined;
  /** Ids in Unleash's event log, oldest first. */
  readonly events: readonly number[];
}

/** Plain data, so that it can be written as JSON for an audit. */
export interface ReleaseTimeline {
  readonly version: 1;
  readonly server: string;
  readonly project: string;
  readonly flag: string;
  readonly model: string;
  /** Oldest first. */
  readonly entries: readonly ReleaseEntry[];
  /** Whether the log leads back to the beginning. */
  readonly complete: boolean;
  /** Whether edits of segments are among them: Unleash shows those to administrators only. */
  readonly knowsSegmentEdits: boolean;
}

/** Who changed what of a release, when, why and with which evidence, from Unleash's event log alone. */
export function releaseTimeline(model: string, plan: readonly Stage[], reading: HistoryReading): ReleaseTimeline {
  const { flag } = reading.detail;
  const { entries, complete } = flagTimeline(reading);
  const visits = new Map(planVisits(plan, reading).map((visit) => [visit.event, visit]));
  const marks = new Map(markedEvents(reading.events).map(({ event, mark }) => [event, mark]));
  return {
    version: 1, server: reading.server, project: flag.project, flag: flag.name, model, complete, knowsSegmentEdits: reading.segmentEvents.length > 0,
    entries: entries.toReversed().map((entry) => {
      const visit = entry.events.map((id) => visits.get(id)).findLast((each) => each !== undefined);
      return {
        at: entry.at, by: entry.by, environment: entry.environment, what: entryWords(entry), title: entry.kind === 'rollout' ? entry.title : '', mark: entry.events.map((id) => marks.get(id)).findLast((each) => each !== undefined),
        stage: visit === undefined || plan.length === 0 ? undefined : `${stageWords(plan, visit.stage)}${visit.deviations.length > 0 ? ', not as planned' : ''}`, events: entry.events,
      };
    }),
  };
}

/** The same as lines: when, where, what, stage, who, why. */
export function timelineText(timeline: ReleaseTimeline): string {
  const lines = timeline.entries.map(({ at, by, environment, what, title, mark, stage, events }) => [
    plainLine(at.slice(0, 19).replace('T', ' ')), `${plainLine(environment ?? 'every environment', 60)}: ${plainLine(what, 200)}${mark === undefined ? '' : ` (${MARK_TEXT[mark]})`}`,
    ...(stage === undefined ? [] : [stage]), `by ${plainLine(by, 60)}`, ...(title === '' ? [] : [`"${plainLine(title)}"`]), `event ${events.join(', ')}`,
  ].join('  '));
  return [...lines, ...timelineNotes(timeline), ''].join('\n');
}

export const MARK_TEXT = { guard: 'taken back by the guard', rearmed: 're-armed' } as const;

/** The same as a table, newest first: for a view in which one looks for what happened last. */
export function timelineTable({ entries, model, flag }: ReleaseTimeline, most = Number.POSITIVE_INFINITY): { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const shown = entries.toReversed().slice(0, most);
  const older = entries.length - shown.length;
  return {
    title: plainLine(`History of ${model} behind ${flag}, newest first, by Unleash's event log${older > 0 ? `; ${older} older entries are in the release timeline` : ''}`, 300),
    columns: ['when (UTC)', 'where', 'what', 'stage', 'guard', 'who', 'versions, reason, evidence', 'events'],
    rows: shown.map(({ at, by, environment, what, title, mark, stage, events }) => [
      at.slice(0, 19).replace('T', ' '), environment ?? 'every environment', what, stage ?? '', mark === undefined ? '' : MARK_TEXT[mark], by, title, events.join(', '),
    ].map((cell) => plainLine(cell, 300))),
  };
}

/** What the log does not tell, in sentences. */
export function timelineNotes({ complete, knowsSegmentEdits }: ReleaseTimeline): string[] {
  return [
    complete ? 'The log leads back to the beginning.' : 'Older changes are not known: the event log does not explain an earlier state.',
    ...(knowsSegmentEdits ? [] : ['Edits of segments are not among these: there were none, or Unleash does not show them to you.']),
  ];
}

/** The same for people; text of the server is shown as code, so that nothing in it is markup. */
export function timelineMarkdown(timeline: ReleaseTimeline): string {
  const code = (text: string): string => `\`${plainLine(text, 300).replaceAll('`', "'").replaceAll('|', '/')}\``;
  const rows = timeline.entries.map(({ at, by, environment, what, title, mark, stage, events }) =>
    `| ${plainLine(at.slice(0, 19).replace('T', ' '))} | ${code(environment ?? 'every environment')} | ${code(what)}${mark === undefined ? '' : ` **${MARK_TEXT[mark]}**`} | ${stage ?? ''} | ${code(by)} | ${title === '' ? '' : code(title)} | ${events.join(', ')} |`);
  return [
    `# Release of ${code(timeline.model)} behind ${code(timeline.flag)}`, '',
    `Unleash ${code(timeline.server)}, project ${code(timeline.project)}. Oldest first, times in UTC, from Unleash's event log.`, '',
    '| when | where | what | stage | who | why | events |', '| --- | --- | --- | --- | --- | --- | --- |', ...rows, '',
    ...timelineNotes(timeline), '',
  ].join('\n');
}
