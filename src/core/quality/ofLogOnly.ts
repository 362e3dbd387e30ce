import type { QualitySection } from '../workspace/quality.ts';
import type { Report } from './prometheusTarget.ts';

/**
 * What only records of a log can be asked for, beside a source that tells counts. Whom to compare and where outcomes are decides, so that nobody goes by it is an error; what is only not looked at is a warning.
 */
export function reportOfLogOnly(kind: 'prometheus' | 'exec', { where, labels, drift, skew, source }: QualitySection, report: Report): void {
  const isPrometheus = kind === 'prometheus';
  const who = isPrometheus ? 'the queries of Prometheus' : 'the command';
  if (where !== undefined) report(['where'], `is of a log, and ${who} would count everybody all the same: select whom to compare ${isPrometheus ? 'in each of them' : 'there'}, and leave where out`);
  if (source?.outcomes !== undefined) report(['source', 'outcomes'], `is of a log, and nobody reads it here: what metrics of outcomes come to is for ${who} to tell, in the window of the prediction`);
  if (labels !== undefined) report(['labels'], `is of a log, and not gone by here: which outcomes count, and as what, is what ${who} ${isPrometheus ? 'say' : 'says'}`, 'warning');
  if (drift !== undefined) report(['drift'], 'needs the records of a log, so it is not measured here', 'warning');
  if (skew !== undefined) report(['skew'], 'needs the records of a log, so it is not measured here', 'warning');
}
