import type { GuardReport } from './guard.ts';

const STATES = ['not lowered', 'rolled back', 'breach', 'unreadable', 'alarm', 'needs a person', 'advanced', 'healthy'] as const;

function labelled(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',');
}

/**
 * What the guard found, in Prometheus' text format 0.0.4. `modelswitch_guard_last_look_timestamp_seconds` is the one to alarm on when it stays behind: then no guard runs.
 *
 * @param now milliseconds since 1970
 */
export function guardMetrics(reports: readonly GuardReport[], now: number): string {
  const lines: string[] = [];
  const metric = (name: string, help: string, samples: readonly (readonly [Readonly<Record<string, string>>, number])[]): void => {
    if (samples.length === 0) return;
    lines.push(`# HELP modelswitch_${name} ${help}`, `# TYPE modelswitch_${name} gauge`, ...samples.map(([labels, value]) => `modelswitch_${name}${Object.keys(labels).length === 0 ? '' : `{${labelled(labels)}}`} ${value}`));
  };
  const of = ({ model, flag }: GuardReport): Record<string, string> => ({ model, flag });
  const assessed = reports.flatMap((report) => (report.assessment === undefined ? [] : [[of(report), report.assessment] as const]));
  metric('guard_last_look_timestamp_seconds', 'When the guard last looked.', [[{}, Math.floor(now / 1000)]]);
  metric('guard_state', 'What the guard found, 1 for the state that holds.', reports.flatMap((report) => STATES.map((state) => [{ ...of(report), state }, report.state === state ? 1 : 0] as const)));
  metric('release_stage', 'The stage that was reached, 0 before the first.', assessed.map(([labels, { stage }]) => [labels, stage + 1]));
  metric('release_stages', 'How many stages the plan has.', assessed.map(([labels, { stages }]) => [labels, stages]));
  metric('release_needs_person', '1 when nothing goes on before somebody does something.', assessed.map(([labels, { needsPerson }]) => [labels, needsPerson ? 1 : 0]));
  metric('release_data_timestamp_seconds', 'The newest prediction that the guard knows of.', assessed.flatMap(([labels, { data }]) => (data.lastSeen === undefined ? [] : [[labels, Math.floor(data.lastSeen / 1000)] as const])));
  return `${lines.join('\n')}\n`;
}
